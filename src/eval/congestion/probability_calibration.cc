#include "eval/congestion/probability_calibration.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::eval {
namespace {

constexpr double kLeast = 1e-4;
constexpr double kRidge = 1e-3;       // an outcome
constexpr double kLeastSlope = 1e-6;  // of the sigmoid, so that a step stays finite
constexpr int kHalvings = 30;         // of a step that would make the fit worse
constexpr int kNewton = 40;

using Vector = std::array<double, 3>;

double logit(double p) {
  const double q = std::clamp(p, kLeast, 1 - kLeast);
  return std::log(q / (1 - q));
}

Vector inputs_of(double said, double history) { return {1, logit(said), logit(history)}; }

double probability(const Vector& w, const Vector& x) {
  return 1 / (1 + std::exp(-(w[0] * x[0] + w[1] * x[1] + w[2] * x[2])));
}

// Solves a symmetric positive system.
Vector solve(std::array<Vector, 3> a, Vector b) {
  for (size_t i = 0; i < 3; ++i) {
    for (size_t r = i + 1; r < 3; ++r) {
      const double f = a[r][i] / a[i][i];
      for (size_t c = i; c < 3; ++c) a[r][c] -= f * a[i][c];
      b[r] -= f * b[i];
    }
  }
  for (size_t i = 3; i-- > 0;) {
    for (size_t c = i + 1; c < 3; ++c) b[i] -= a[i][c] * b[c];
    b[i] /= a[i][i];
  }
  return b;
}

// Cross-entropy of the outcomes, with the ridge.
double loss_of(const Vector& w, const Vector& start, std::span<const Outcome> outcomes) {
  double loss = 0;
  for (size_t i = 0; i < 3; ++i)
    loss += kRidge * static_cast<double>(outcomes.size()) * (w[i] - start[i]) * (w[i] - start[i]) / 2;
  for (const Outcome& o : outcomes) {
    if (std::isnan(o.said)) continue;
    const Vector x = inputs_of(o.said, o.history);
    const double z = w[0] * x[0] + w[1] * x[1] + w[2] * x[2];
    const double against = o.event ? -z : z;
    loss += against > 0 ? against + std::log1p(std::exp(-against)) : std::log1p(std::exp(against));
  }
  return loss;
}

Vector newton_step(const Vector& w, const Vector& start, std::span<const Outcome> outcomes) {
  const auto count = static_cast<double>(outcomes.size());
  Vector gradient{};
  std::array<Vector, 3> hessian{};
  for (size_t i = 0; i < 3; ++i) {
    gradient[i] = kRidge * count * (w[i] - start[i]);
    hessian[i][i] = kRidge * count;
  }
  for (const Outcome& o : outcomes) {
    if (std::isnan(o.said)) continue;
    const Vector x = inputs_of(o.said, o.history);
    const double p = probability(w, x);
    for (size_t i = 0; i < 3; ++i) {
      gradient[i] += (p - (o.event ? 1 : 0)) * x[i];
      for (size_t j = 0; j < 3; ++j) hessian[i][j] += (p * (1 - p) + kLeastSlope) * x[i] * x[j];
    }
  }
  return solve(hessian, gradient);
}

}  // namespace

ProbabilityCalibration::ProbabilityCalibration(std::span<const Outcome> outcomes) {
  const Vector start = w_;
  if (outcomes.empty()) return;
  double loss = loss_of(w_, start, outcomes);
  for (int k = 0; k < kNewton; ++k) {
    const Vector step = newton_step(w_, start, outcomes);
    double scale = 1;
    for (int i = 0; i < kHalvings; ++i, scale /= 2) {
      Vector next = w_;
      for (size_t j = 0; j < 3; ++j) next[j] -= scale * step[j];
      const double reached = loss_of(next, start, outcomes);
      if (!(reached < loss)) continue;
      loss = reached;
      w_ = next;
      break;
    }
  }
}

double ProbabilityCalibration::apply(double said, double history) const {
  return probability(w_, inputs_of(said, history));
}

}  // namespace netflowgen::eval
