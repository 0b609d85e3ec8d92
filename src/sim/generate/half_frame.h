// One direction of a frame as records: how many of which protocol, with how much in each.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "series/features.h"
#include "sim/record_pool.h"

namespace netflowgen::sim {

// The features of one direction, named as those of "in".
class HalfFrame {
 public:
  HalfFrame(std::span<const float> frame, bool out)
      : frame_(frame), offset_(out ? series::kOutOffset : 0), out_(out) {}
  bool out() const { return out_; }
  bool has(int feature_in) const { return !std::isnan(at(feature_in)); }
  double value(int feature_in, double otherwise = 0) const {
    return has(feature_in) ? double{at(feature_in)} : otherwise;
  }
  uint64_t whole(int feature_in) const {
    return static_cast<uint64_t>(std::llround(std::max(value(feature_in), 0.0)));
  }

 private:
  float at(int feature_in) const { return frame_[static_cast<size_t>(feature_in + offset_)]; }
  std::span<const float> frame_;
  int offset_;
  bool out_;
};

// What a record has of the frame's sums.
struct RecordPart {
  uint8_t protocol = 0;
  uint64_t flows = 1;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  const PooledRecord* like = nullptr;  // the real record that it was made after
};

// Where the records of one direction of a node are made after real ones; nullptr: nowhere.
struct PoolView {
  const RecordPool* pool = nullptr;
  base::IpAddr node;
  bool out = false;
};

// Parts in whole numbers, in proportion to the weights, that add up to `total`. Each gets `least` first where there is enough.
std::vector<uint64_t> spread(uint64_t total, std::span<const double> weights, uint64_t least);

// Records whose sums are the half frame's. Of one protocol together, the smallest first. Empty: the direction is silent.
std::vector<RecordPart> parts_of(const HalfFrame& half, uint64_t most, const PoolView& like,
                                 base::Random& random);

}  // namespace netflowgen::sim
