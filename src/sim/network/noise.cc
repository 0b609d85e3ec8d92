#include "sim/network/noise.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::sim {

LogRateNoise::LogRateNoise(double sigma, double hurst, base::Random& random)
    : half_variance_(0.5 * sigma * sigma) {
  std::array<double, kScales> variance{};
  double sum = 0;
  for (size_t k = 0; k < kScales; ++k) {
    variance[k] = std::pow(4.0, static_cast<double>(k) * (2.0 * hurst - 2.0));
    sum += variance[k];
  }
  for (size_t k = 0; k < kScales; ++k) {
    const double tau = std::pow(4.0, static_cast<double>(k));
    const double sd = sigma * std::sqrt(variance[k] / sum);
    Scale& s = scales_[k];
    s.every = static_cast<uint32_t>(std::max(1.0, tau / 8));
    s.keep = std::exp(-static_cast<double>(s.every) / tau);
    s.step = sd * std::sqrt(1.0 - s.keep * s.keep);
    s.value = sd * random.normal();
  }
}

double LogRateNoise::next(base::Random& random) {
  double sum = 0;
  for (auto& s : scales_) {
    if (minute_ % s.every == 0) s.value = s.keep * s.value + s.step * random.normal();
    sum += s.value;
  }
  ++minute_;
  return std::exp(sum - half_variance_);
}

}  // namespace netflowgen::sim
