#include "study/class_head.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::study {
namespace {

constexpr double kFloor = 1e-4;        // of a variance, as of other heads
constexpr double kBound = 8;           // of a standardised input
constexpr double kConstant = 3;        // an input that is always this; its weight is the bias
constexpr double kIgnoredFloor = 0.1;  // of an input's variance
constexpr double kMostFactor = 256;    // from scores to logits

// Lower Cholesky factor of a symmetric positive matrix [n, n], in place.
void factorise(std::vector<double>& a, size_t n) {
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
}

// Solves with the factor, in place.
void solve(const std::vector<double>& l, size_t n, std::vector<double>& b) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= l[i * n + k] * b[k];
    b[i] /= l[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= l[k * n + i] * b[k];
    b[i] /= l[i * n + i];
  }
}

void softmax(std::vector<double>& v) {
  const double top = *std::max_element(v.begin(), v.end());
  double sum = 0;
  for (double& x : v) sum += x = std::exp(x - top);
  for (double& x : v) x /= sum;
}

// x = L^-1 x.
void forward(const std::vector<double>& l, std::span<double> x) {
  const size_t n = x.size();
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) x[i] -= l[i * n + k] * x[k];
    x[i] /= l[i * n + i];
  }
}

// x = L^-T x.
void backward(const std::vector<double>& l, std::span<double> x) {
  const size_t n = x.size();
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) x[i] -= l[k * n + i] * x[k];
    x[i] /= l[i * n + i];
  }
}

// The examples as the regression sees them: standardised, and weighted so that each class counts the same.
struct Problem {
  size_t n = 0;
  size_t width = 0;
  std::vector<double> x;        // [n, width]
  std::vector<double> weights;  // [n], mean 1
  std::vector<double> factors;  // [width] that inputs are multiplied by: penalties differ
};

double standard(double value, double mean, double deviation) {
  return std::isnan(value) ? 0 : std::clamp((value - mean) / deviation, -kBound, kBound);
}

Problem problem_of(const ClassExamples& e, size_t classes, const InputScale& scale,
                   const ClassHeadOptions& o) {
  Problem p{e.labels.size(), e.width, {}, {}, {}};
  std::vector<double> count(classes);
  for (const int c : e.labels) count[static_cast<size_t>(c)] += 1;
  for (size_t c = 0; c < classes; ++c) {
    if (count[c] == 0) throw base::Error("class {} of {} has no example", c + 1, classes);
  }
  p.weights = e.weights;
  for (size_t i = p.weights.size(); i < p.n; ++i)
    p.weights.push_back(static_cast<double>(p.n) / static_cast<double>(classes) /
                        count[static_cast<size_t>(e.labels[i])]);
  for (size_t i = 0; i < p.n; ++i) {
    for (size_t k = 0; k < p.width; ++k)
      p.x.push_back(standard(e.x[i * p.width + k], scale.mean[k], scale.deviation[k]));
    if (!scale.ignored.empty()) forward(scale.ignored, std::span(p.x).last(p.width));
  }
  double squares = 0;
  for (const double v : p.x) squares += v * v;
  // As large as standardised inputs are.
  const double size =
      scale.ignored.empty() ? 1 : std::sqrt(std::max(squares / static_cast<double>(p.x.size()), 1e-12));
  for (size_t k = 0; k < p.width; ++k) {
    const double penalty = k < o.hidden && scale.ignored.empty() ? o.hidden_ridge : 1;
    p.factors.push_back(1 / (size * std::sqrt(penalty * static_cast<double>(p.width))));
  }
  for (size_t i = 0; i < p.x.size(); ++i) p.x[i] *= p.factors[i % p.width];
  return p;
}

// Gram matrix with the ridge on its diagonal, factorised.
std::vector<double> gram(const Problem& p, double ridge) {
  std::vector<double> g(p.n * p.n);
  for (size_t i = 0; i < p.n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = kConstant * kConstant + (i == j ? ridge / p.weights[i] : 0);
      for (size_t k = 0; k < p.width; ++k) sum += p.x[i * p.width + k] * p.x[j * p.width + k];
      g[i * p.n + j] = g[j * p.n + i] = sum;
    }
  }
  factorise(g, p.n);
  return g;
}

// Diagonal of the inverse.
std::vector<double> inverse_diagonal(const std::vector<double>& factor, size_t n) {
  std::vector<double> diagonal;
  for (size_t i = 0; i < n; ++i) {
    std::vector<double> unit(n);
    unit[i] = 1;
    solve(factor, n, unit);
    diagonal.push_back(unit[i]);
  }
  return diagonal;
}

// Mean logarithm of the probability of the examples' classes, when scores [n, classes] are multiplied by `factor`.
double fit_of(const std::vector<double>& scores, const ClassExamples& e, const Problem& p, size_t classes,
              double factor) {
  double sum = 0;
  for (size_t i = 0; i < p.n; ++i) {
    std::vector<double> row(scores.begin() + static_cast<std::ptrdiff_t>(i * classes),
                            scores.begin() + static_cast<std::ptrdiff_t>((i + 1) * classes));
    for (double& v : row) v *= factor;
    softmax(row);
    sum += p.weights[i] * std::log(std::max(row[static_cast<size_t>(e.labels[i])], 1e-12));
  }
  return sum / static_cast<double>(p.n);
}

double accuracy_of(const std::vector<double>& scores, const ClassExamples& e, const Problem& p,
                   size_t classes) {
  double right = 0;
  for (size_t i = 0; i < p.n; ++i) {
    const auto row = scores.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto top = std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row;
    right += top == e.labels[i] ? p.weights[i] : 0;
  }
  return right / static_cast<double>(p.n);
}

}  // namespace

InputScale scale_of(std::span<const double> x, size_t width) {
  NFG_CHECK(width > 0 && x.size() >= width);
  InputScale s;
  for (size_t k = 0; k < width; ++k) {
    double count = 0;
    double sum = 0;
    double squares = 0;
    for (size_t i = k; i < x.size(); i += width) {
      if (std::isnan(x[i])) continue;
      count += 1;
      sum += x[i];
    }
    const double mean = sum / std::max(count, 1.0);
    for (size_t i = k; i < x.size(); i += width)
      squares += std::isnan(x[i]) ? 0 : (x[i] - mean) * (x[i] - mean);
    s.mean.push_back(mean);
    s.deviation.push_back(std::sqrt(squares / std::max(count, 1.0) + kFloor));
  }
  return s;
}

void ignore(InputScale& scale, std::span<const double> covariance) {
  const size_t width = scale.mean.size();
  double most = 0;
  for (size_t k = 0; k < width; ++k) most = std::max(most, covariance[k * width + k]);
  if (most <= 0) return;
  scale.ignored.assign(covariance.begin(), covariance.end());
  for (size_t i = 0; i < width; ++i) {
    for (size_t k = 0; k < width; ++k)
      scale.ignored[i * width + k] /= scale.deviation[i] * scale.deviation[k];
    scale.ignored[i * width + i] += kIgnoredFloor;
  }
  factorise(scale.ignored, width);
}

std::vector<double> ClassWeights::probabilities(std::span<const double> x) const {
  std::vector<double> p = bias;
  for (size_t c = 0; c < classes(); ++c) {
    for (size_t k = 0; k < x.size(); ++k)
      p[c] += weight[c * x.size() + k] * standard(x[k], scale.mean[k], scale.deviation[k]);
  }
  softmax(p);
  return p;
}

ClassWeights train_class_weights(const ClassExamples& e, size_t classes, const InputScale& scale,
                                 const ClassHeadOptions& options) {
  const Problem p = problem_of(e, classes, scale, options);
  const auto factor = gram(p, options.ridge);
  const auto diagonal = inverse_diagonal(factor, p.n);
  ClassWeights w{scale, std::vector<double>(classes * p.width), std::vector<double>(classes), 0};
  std::vector<double> left_out(p.n * classes);  // scores of each example by the others
  const double share = 1 / static_cast<double>(classes);
  for (size_t c = 0; c < classes; ++c) {
    std::vector<double> alpha;
    for (const int label : e.labels) alpha.push_back((label == static_cast<int>(c) ? 1 : 0) - share);
    const auto target = alpha;
    solve(factor, p.n, alpha);
    for (size_t i = 0; i < p.n; ++i) {
      left_out[i * classes + c] = target[i] - alpha[i] / diagonal[i];
      w.bias[c] += alpha[i] * kConstant * kConstant;
      for (size_t k = 0; k < p.width; ++k) w.weight[c * p.width + k] += alpha[i] * p.x[i * p.width + k];
    }
    for (size_t k = 0; k < p.width; ++k) w.weight[c * p.width + k] *= p.factors[k];
    if (!scale.ignored.empty()) backward(scale.ignored, std::span(w.weight).subspan(c * p.width, p.width));
  }
  double best = 1;
  for (double f = 2; f <= kMostFactor; f *= 2) {
    if (fit_of(left_out, e, p, classes, f) > fit_of(left_out, e, p, classes, best)) best = f;
  }
  for (auto* values : {&w.weight, &w.bias}) {
    for (double& v : *values) v *= best;
  }
  w.left_out_accuracy = accuracy_of(left_out, e, p, classes);
  return w;
}

learn::HeadWeights as_head(const std::string& name, const std::vector<std::string>& classes,
                           const ClassWeights& weights, std::span<const double> steps, bool use_dense) {
  learn::HeadWeights head;
  head.spec.name = name;
  head.spec.kind = "classes";
  head.spec.classes = classes;
  head.spec.use_surprise = false;
  head.spec.use_dense = use_dense;
  head.spec.hidden = 0;
  const size_t width = steps.size();
  for (size_t k = 0; k < width; ++k) {
    head.mean.push_back(static_cast<float>(weights.scale.mean[k]));
    head.deviation.push_back(static_cast<float>(steps[k]));
  }
  for (size_t c = 0; c < classes.size(); ++c) {
    for (size_t k = 0; k < width; ++k)
      head.w2.push_back(
          static_cast<float>(weights.weight[c * width + k] * steps[k] / weights.scale.deviation[k]));
    head.b2.push_back(static_cast<float>(weights.bias[c]));
  }
  return head;
}

}  // namespace netflowgen::study
