// Long-range dependent noise of a log-rate, one value a minute.
//
// A sum of Ornstein-Uhlenbeck processes with time constants 1, 4, 16, ... minutes (to 45 days) whose variances
// fall as tau^(2H-2): their autocovariances add up to t^(2H-2) over five decades, as fractional Gaussian
// noise has (the construction of Granger, J. Econometrics 14 (1980), in continuous time). O(1) state.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.h"

namespace netflowgen::sim {

class LogRateNoise {
 public:
  // `sigma`: standard deviation of the sum; `hurst` in (0.5, 1). Starts in its stationary distribution.
  LogRateNoise(double sigma, double hurst, base::Random& random);

  // The factor exp(noise - sigma^2 / 2) of the next minute; its mean is 1.
  double next(base::Random& random);

 private:
  static constexpr size_t kScales = 9;
  struct Scale {
    double value;
    double keep;     // exp(-every / tau)
    double step;     // sd * sqrt(1 - keep^2)
    uint32_t every;  // minutes between updates: tau / 8, at least 1
  };
  std::array<Scale, kScales> scales_{};
  double half_variance_;
  uint32_t minute_ = 0;
};

}  // namespace netflowgen::sim
