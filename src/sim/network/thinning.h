// Packet sampling as routers do it: each packet is looked at with probability 1/N (binomial thinning).
//
// Invariants: 1. A flow of which no packet was looked at leaves no record, so it is never drawn: callers
// thin the *number* of flows by survival() and then draw counts given at least one. Both together have the
// distribution of sampling every packet. 2. Plain values, safe to read from many threads.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/random.h"

namespace netflowgen::sim {

using base::Random;

// Binomial(n, p). Exact by inversion while the mean of the rarer outcome is at most 32, a rounded normal above.
uint64_t binomial(Random& random, uint64_t n, double p);

class Thinning {
 public:
  explicit Thinning(uint32_t one_in);

  uint32_t one_in() const { return one_in_; }
  double p() const { return p_; }
  // Probability that at least one of `packets` is looked at.
  double survival(double packets) const {
    return one_in_ == 1 ? (packets > 0 ? 1.0 : 0.0) : -std::expm1(packets * log_q_);
  }
  // How many of `packets` are looked at.
  uint64_t thin(Random& random, uint64_t packets) const { return binomial(random, packets, p_); }
  // The same, given that it is at least one. REQUIRES: packets > 0.
  uint64_t thin_some(Random& random, uint64_t packets) const;

 private:
  uint32_t one_in_;
  double p_;
  double log_q_;  // log(1 - p)
};

}  // namespace netflowgen::sim
