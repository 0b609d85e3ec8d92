// Which features a series is made of. The others are missing (NaN) in it, as if its source did not give them. What only they
// need is neither kept nor computed.
//
// Law (feature_choice_test.cc): a chosen feature is the same to the bit as where all are chosen, and the same frames are made.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>

#include "series/features.h"

namespace netflowgen::series {

class FeatureChoice {
 public:
  FeatureChoice() = default;  // all
  // Comma-separated names; "bytes" is bytes_in and bytes_out. Empty: all. UsageError: there is no such feature.
  static FeatureChoice parse(const std::string& names);

  bool all() const { return others_.none(); }
  bool has(size_t feature) const { return !others_[feature]; }
  // REQUIRES: frame has kFeatureCount values.
  void leave_out_others(std::span<float> frame) const;
  // What the chosen features need to know of flows: combinations of Group (accumulate/part.h).
  uint16_t groups() const;

 private:
  std::bitset<kFeatureCount> others_;
};

}  // namespace netflowgen::series
