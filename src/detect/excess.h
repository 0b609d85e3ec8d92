// What came in beyond the usual, of one node and step: what tells one kind of attack from another. Pure functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "series/features.h"

namespace netflowgen::detect {

inline double value_or(std::span<const float> frame, int feature, double missing) {
  const float x = frame[static_cast<size_t>(feature)];
  return std::isnan(x) ? missing : static_cast<double>(x);
}

// Shares of what came in beyond the usual; of all that came in where hardly anything is beyond it, since a
// share of a small difference means nothing.
class Excess {
 public:
  Excess(std::span<const float> seen, std::span<const float> usual) : seen_(seen), usual_(usual) {
    packets_ = volume(series::kPacketsIn);
    flows_ = volume(series::kFlowsIn);
    bytes_ = volume(series::kBytesIn);
  }
  double packets() const { return packets_; }
  double flows() const { return flows_; }
  double bytes() const { return bytes_; }
  double of_packets(int feature) const { return share(feature, series::kPacketsIn, packets_); }
  double of_flows(int feature) const { return share(feature, series::kFlowsIn, flows_); }
  double of_bytes(int feature) const { return share(feature, series::kBytesIn, bytes_); }
  double grown(int feature) const {
    return (value_or(seen_, feature, 0) + 1) / (value_or(usual_, feature, 0) + 1);
  }

 private:
  double volume(int feature) const {
    return std::max(0.0, value_or(seen_, feature, 0) - value_or(usual_, feature, 0));
  }
  double share(int feature, int total, double excess) const {
    const double now = value_or(seen_, feature, 0) * value_or(seen_, total, 0);
    const double before = value_or(usual_, feature, 0) * value_or(usual_, total, 0);
    if (!(excess > 0) || excess < kNoticeable * value_or(seen_, total, 0)) return value_or(seen_, feature, 0);
    return std::clamp((now - before) / excess, 0.0, 1.0);
  }

  static constexpr double kNoticeable = 0.05;  // of what came in

  std::span<const float> seen_;
  std::span<const float> usual_;
  double packets_ = 0;
  double flows_ = 0;
  double bytes_ = 0;
};

}  // namespace netflowgen::detect
