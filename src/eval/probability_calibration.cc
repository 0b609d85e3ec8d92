#include "eval/probability_calibration.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::eval {
namespace {

constexpr double kLeast = 1e-4;
constexpr double kRidge = 1e-3;       // an outcome
constexpr double kLeastSlope = 1e-6;  // of the sigmoid, so that a step stays finite
constexpr double kMostStep = 2;
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

}  // namespace

ProbabilityCalibration::ProbabilityCalibration(std::span<const Outcome> outcomes) {
  const Vector start = w_;
  const auto count = static_cast<double>(outcomes.size());
  for (int k = 0; k < kNewton && count > 0; ++k) {
    Vector gradient{};
    std::array<Vector, 3> hessian{};
    for (size_t i = 0; i < 3; ++i) {
      gradient[i] = kRidge * count * (w_[i] - start[i]);
      hessian[i][i] = kRidge * count;
    }
    for (const Outcome& o : outcomes) {
      if (std::isnan(o.said)) continue;
      const Vector x = inputs_of(o.said, o.history);
      const double p = probability(w_, x);
      for (size_t i = 0; i < 3; ++i) {
        gradient[i] += (p - (o.event ? 1 : 0)) * x[i];
        for (size_t j = 0; j < 3; ++j) hessian[i][j] += (p * (1 - p) + kLeastSlope) * x[i] * x[j];
      }
    }
    const Vector step = solve(hessian, gradient);
    for (size_t i = 0; i < 3; ++i) w_[i] -= std::clamp(step[i], -kMostStep, kMostStep);
  }
}

double ProbabilityCalibration::apply(double said, double history) const {
  return probability(w_, inputs_of(said, history));
}

}  // namespace netflowgen::eval
