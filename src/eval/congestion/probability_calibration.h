// Probabilities made honest on a validation period: a logistic regression of the events on what a method said and on what the
// series' own history says.
#pragma once

#include <array>
#include <span>

namespace netflowgen::eval {

// One forecast whose outcome is known.
struct Outcome {
  double said = 0;     // probability by the method; NaN: it takes no part
  double history = 0;  // probability by the series' history
  bool event = false;
};

// p = sigmoid(w0 + w1 logit(said) + w2 logit(history)); probabilities are kept within [1e-4, 1 - 1e-4].
class ProbabilityCalibration {
 public:
  // Starts at, and without outcomes stays, w = (0, 1, 0): what was said. Newton's method with a small ridge towards that.
  explicit ProbabilityCalibration(std::span<const Outcome> outcomes);

  // As they were stored.
  explicit ProbabilityCalibration(const std::array<double, 3>& weights) : w_(weights) {}

  double apply(double said, double history) const;
  const std::array<double, 3>& weights() const { return w_; }

 private:
  std::array<double, 3> w_ = {0, 1, 0};
};

}  // namespace netflowgen::eval
