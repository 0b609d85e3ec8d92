// How large the conversations of one kind are: a table of (packets forward, packets reverse) pairs drawn from
// lognormal bodies with Pareto tails, thinned by packet sampling as a whole.
//
// The table is a stratified sample of the distribution, so its mean is a number that the simulator can plan
// with (a victim's normal level) and that the generated traffic really has.
// Invariants: 1. Immutable once built, shared by all threads. 2. draw() returns sampled counts of which at
// least one is positive; a conversation with none leaves no record and is not drawn (thinning.h).
#pragma once

#include <cstdint>
#include <vector>

#include "sim/network/thinning.h"

namespace netflowgen::sim {

// Packets of one direction: lognormal; the largest `tail_share` of conversations are Pareto above the body.
struct PacketCount {
  double median = 1;
  double sigma = 0;       // of the logarithm
  double tail_share = 0;  // 0: no Pareto tail
  double alpha = 1.3;     // tail index; below 2 the variance has no bound but `max`
  double max = 200'000;

  double quantile(double u) const;  // u in (0, 1)
};

struct Counts {
  uint32_t forward = 0;  // physical packets
  uint32_t reverse = 0;
  uint32_t seen_forward = 0;  // of which sampled
  uint32_t seen_reverse = 0;
};

class ConversationMix {
 public:
  // `acks`: pure acknowledgements that each direction adds per packet of the other (TCP: about 0.4).
  ConversationMix(const PacketCount& request, const PacketCount& response, double acks,
                  const Thinning& thinning);

  double mean_forward() const { return mean_forward_; }  // physical packets a conversation
  double mean_reverse() const { return mean_reverse_; }
  double survival() const { return survival_; }  // share of conversations that leave a record
  Counts draw(Random& random) const;

 private:
  struct Row {
    uint32_t forward;
    uint32_t reverse;
    float share_forward;  // P(forward seen | any seen)
    float keep;           // Walker's alias method
    uint32_t alias;
  };
  void build_alias(const std::vector<double>& weight);

  Thinning thinning_;
  std::vector<Row> rows_;
  double mean_forward_ = 0;
  double mean_reverse_ = 0;
  double survival_ = 0;
};

}  // namespace netflowgen::sim
