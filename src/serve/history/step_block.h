// One closed step as the API shows it: every node's frame, the forecast that was made for it one step before, surprise and
// scores. Constant once it is made; readers share it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/nan.h"
#include "base/time.h"
#include "series/features.h"
#include "series/node.h"
#include "serve/history/breakdown.h"

namespace netflowgen::serve {

// The features that a model may forecast, in the order of every list of volumes here.
inline constexpr std::array<int, 6> kVolumes = {series::kBytesIn,  series::kPacketsIn,  series::kFlowsIn,
                                                series::kBytesOut, series::kPacketsOut, series::kFlowsOut};
inline constexpr size_t kVolumeCount = kVolumes.size();

// Low, middle and high quantile of a forecast, in the feature's unit; NaN: none.
enum Quantile : uint8_t { kLow, kMiddle, kHigh, kQuantiles };
using Fan = std::array<float, kQuantiles>;
using VolumeFans = std::array<Fan, kVolumeCount>;
using Totals = std::array<float, kVolumeCount>;

inline VolumeFans no_fans() {
  VolumeFans fans;
  for (auto& fan : fans) fan.fill(base::kNaN);
  return fans;
}

// What a model's outputs are of.
struct ScoreLayout {
  std::vector<int> target_features;  // of surprise; -1: the gap
  std::vector<std::string> tasks;
  std::array<int, kVolumeCount> volume = {-1, -1, -1,
                                          -1, -1, -1};  // the encoder's number of each of kVolumes
  std::array<size_t, kQuantiles> quantile = {};         // indices into the model's quantiles
  size_t quantiles = 0;
  int64_t window = 0;
};

struct StepBlock {
  int64_t step = 0;
  base::TimeMs time_ms = 0;                   // its start
  int64_t lag_ms = 0;                         // after its end, when it was closed
  int64_t score_ms = -1;                      // what closing and scoring took; -1: not scored
  std::vector<series::NodeKey> keys;          // ascending
  std::vector<float> frames;                  // [nodes, kFeatureCount]
  std::shared_ptr<const ScoreLayout> layout;  // null: nothing below is there
  std::vector<VolumeFans> forecast;           // [nodes]
  std::vector<float> surprise;                // [nodes, targets], bits
  std::vector<float> bits;                    // [nodes], their sum; NaN: not scored
  std::vector<float> scores;                  // [nodes, tasks]
  std::vector<uint32_t> positions;            // [nodes], of the model so far
  Totals totals = {};
  VolumeFans totals_forecast = no_fans();  // for this step
  BreakdownTable breakdown;

  size_t nodes() const { return keys.size(); }
  std::span<const float> frame(size_t row) const {
    return std::span(frames).subspan(row * series::kFeatureCount, series::kFeatureCount);
  }
  // Row of a node; SIZE_MAX: it has no frame in this step.
  size_t find(const series::NodeKey& key) const;
  size_t bytes() const;
};

}  // namespace netflowgen::serve
