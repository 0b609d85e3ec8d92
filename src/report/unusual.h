// The most surprising moments of the most surprising nodes, and what was surprising in them.
//
// The surprise of a step is the mean over its features of how many bits the model would have needed to name the value; what
// counts is how far that is above the node's own running mean. A node's first kWarmFrames active steps are left out: nothing
// is known of it then. Memory: 400 bytes a node. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/detector.h"
#include "series/features.h"
#include "token/encoder.h"

namespace netflowgen::report {

inline constexpr uint32_t kWarmFrames = 12;

struct SurprisingFeature {
  int feature = 0;  // series::FeatureIndex
  double seen = 0;
  double bits = 0;
  // What was forecast, or, where high is NaN, usual; NaN: nothing was known.
  double low = std::numeric_limits<double>::quiet_NaN();
  double middle = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct SurprisingStep {
  std::string node;
  int64_t step = 0;
  double bits = 0;                          // mean over the features
  double usual = 0;                         // the node's running mean of that
  std::vector<SurprisingFeature> features;  // most surprising first, at most kReasons
  double excess() const { return bits - usual; }
};

class Unusual {
 public:
  static constexpr size_t kReasons = 3;

  // `encoder` must outlive this. `quantiles`: of the forecasts; empty: there are none.
  Unusual(const token::Encoder& encoder, std::vector<float> quantiles);

  void update(int64_t step, std::span<const detect::NodeScores> seen);
  // At most `count` nodes, each at its most surprising step.
  std::vector<SurprisingStep> most(size_t count) const;
  size_t nodes() const { return nodes_.size(); }

 private:
  struct Node {
    std::string name;
    uint32_t frames = 0;
    double usual_bits = 0;
    std::array<float, series::kFeatureCount> usual;             // running mean; NaN: not known
    std::array<std::array<float, 3>, token::kMaxVolumes> band;  // low, middle, high of the next step, log1p
    SurprisingStep most;
  };
  void update_node(int64_t step, const detect::NodeScores& seen, Node& node) const;
  void take(int64_t step, const detect::NodeScores& seen, double bits, Node& node) const;
  void keep_band(const detect::NodeScores& seen, Node& node) const;

  const token::Encoder& encoder_;
  std::vector<float> quantiles_;
  std::unordered_map<uint64_t, Node> nodes_;
};

}  // namespace netflowgen::report
