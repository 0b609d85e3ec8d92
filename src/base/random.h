// Deterministic random numbers: the same seed gives the same stream on every machine and standard library.
// xoshiro256** by Blackman and Vigna (2018), seeded by SplitMix64. Plain data: copy to save, assign to
// resume.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace netflowgen::base {

// One round of SplitMix64: a good 64-bit mixer, also used to hash integers.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed = 0) {
    for (auto& s : state_) s = mix64(seed += 0x9e3779b97f4a7c15u);
  }

  uint64_t next() {
    const uint64_t result = rotl(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }
  // Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Uniform in [0, n). REQUIRES: n > 0.
  uint64_t below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  bool chance(double p) { return uniform() < p; }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  double normal() {  // Box-Muller, one of the pair, so that the state is only the four words
    const double r = std::sqrt(-2.0 * std::log1p(-uniform()));
    return r * std::cos(2.0 * std::numbers::pi * uniform());
  }
  double lognormal(double mu, double sigma) { return std::exp(mu + sigma * normal()); }
  // Pareto with minimum `low` and tail index `alpha`.
  double pareto(double low, double alpha) { return low / std::pow(1.0 - uniform(), 1.0 / alpha); }
  // Poisson by inversion for small means, a rounded normal above 64.
  uint64_t poisson(double mean) {
    if (mean <= 0) return 0;
    if (mean > 64) {
      const double x = std::round(mean + std::sqrt(mean) * normal());
      return x > 0 ? static_cast<uint64_t>(x) : 0;
    }
    const double limit = std::exp(-mean);
    uint64_t n = 0;
    for (double p = uniform(); p > limit; p *= uniform()) ++n;
    return n;
  }

  const std::array<uint64_t, 4>& state() const { return state_; }
  void set_state(const std::array<uint64_t, 4>& state) { state_ = state; }

 private:
  static constexpr uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::array<uint64_t, 4> state_{};
};

}  // namespace netflowgen::base
