#include "sim/network/thinning.h"

#include <algorithm>

#include "base/check.h"

namespace netflowgen::sim {
namespace {

constexpr double kInversionMean = 32.0;

// Inverts the binomial distribution function at `u` in [0, 1). REQUIRES: n * p <= kInversionMean, p <= 1/2.
uint64_t invert(uint64_t n, double p, double u) {
  const double odds = p / (1.0 - p);
  double mass = std::exp(static_cast<double>(n) * std::log1p(-p));
  uint64_t k = 0;
  while (u >= mass && k < n) {
    u -= mass;
    mass *= odds * static_cast<double>(n - k) / static_cast<double>(k + 1);
    ++k;
    if (mass < 1e-300 && static_cast<double>(k) > static_cast<double>(n) * p) break;
  }
  return k;
}

uint64_t normal_approximation(Random& random, uint64_t n, double p) {
  const double mean = static_cast<double>(n) * p;
  const double x = std::round(mean + std::sqrt(mean * (1.0 - p)) * random.normal());
  return static_cast<uint64_t>(std::clamp(x, 0.0, static_cast<double>(n)));
}

}  // namespace

uint64_t binomial(Random& random, uint64_t n, double p) {
  if (n == 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(random, n, 1.0 - p);
  if (static_cast<double>(n) * p <= kInversionMean) return invert(n, p, random.uniform());
  return normal_approximation(random, n, p);
}

Thinning::Thinning(uint32_t one_in)
    : one_in_(one_in), p_(1.0 / one_in), log_q_(one_in == 1 ? -INFINITY : std::log1p(-p_)) {
  NFG_CHECK(one_in > 0);
}

uint64_t Thinning::thin_some(Random& random, uint64_t packets) const {
  if (one_in_ == 1 || packets == 1) return packets;
  const double mean = static_cast<double>(packets) * p_;
  if (mean > kInversionMean || p_ > 0.5)
    return std::max<uint64_t>(1, normal_approximation(random, packets, p_));
  // Uniform over the part of the distribution function above the mass at zero.
  const double zero = std::exp(static_cast<double>(packets) * log_q_);
  return std::max<uint64_t>(1, invert(packets, p_, zero + (1.0 - zero) * random.uniform()));
}

}  // namespace netflowgen::sim
