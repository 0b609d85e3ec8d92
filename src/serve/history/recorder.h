// The collector's side of history: frames, scores and flows of the steps as they close -> StepBlock.
//
//   flows() at every batch; for each step: frame() at every node, scored() any number of times, then close().
//
// One thread, the collector's. Invariants: 1. Nothing here changes what is scored. 2. Memory: one step, the forecast of every
// node that the last step had, 24 hours of counts.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "detect/detector.h"
#include "infer/weights.h"
#include "series/node.h"
#include "serve/history/history.h"
#include "serve/history/network_forecast.h"

namespace netflowgen::serve {

// Of the values of the last day that a forecast was made for: how many were at or below its quantiles.
struct Coverage {
  std::array<uint64_t, kVolumeCount> values{};
  std::array<std::array<uint64_t, kQuantiles>, kVolumeCount> at_or_below{};

  void add(const VolumeFans& fans, std::span<const float> frame);
  void add(const Coverage& other);
};

std::shared_ptr<const ScoreLayout> layout_of(const infer::Model& model, std::vector<std::string> tasks);

class Recorder {
 public:
  Recorder(int64_t step_ms, series::NodeKind primary)
      : step_ms_(step_ms), primary_(primary), breakdown_(step_ms) {}

  // The model from now on; null: none.
  void set_model(std::shared_ptr<const infer::Model> model, std::vector<std::string> tasks);
  // Totals of earlier steps, ascending, for the network's forecast.
  void warm_up(std::span<const std::pair<int64_t, Totals>> totals);

  // Without `detail` only their totals are kept.
  void flows(std::span<const flow::Flow> flows, bool detail = true) { breakdown_.add(flows, detail); }
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame);
  void scored(int64_t step, std::span<const detect::NodeScores> seen);
  // `lag_ms`: since the step's end. `score_ms` -1: not scored.
  std::shared_ptr<const StepBlock> close(int64_t step, int64_t lag_ms, int64_t score_ms);

  // Forecast of the network's totals for the step after the last closed one.
  const VolumeFans& next_totals() const { return next_totals_; }
  Coverage coverage() const;  // of the last 24 hours
  const Breakdown& breakdown() const { return breakdown_; }
  // Sums over the frames of the kind of nodes that stands for the network.
  static void add_totals(Totals& totals, std::span<const float> frame);
  series::NodeKind primary() const { return primary_; }

 private:
  struct Next {  // a node's forecast
    int64_t step = 0;
    VolumeFans fans;
  };
  VolumeFans fans_of(const detect::NodeScores& seen);
  void take_scores(size_t row, const detect::NodeScores& seen);

  int64_t step_ms_;
  series::NodeKind primary_;
  Breakdown breakdown_;
  std::shared_ptr<const ScoreLayout> layout_;
  std::unique_ptr<NetworkForecast> network_;
  VolumeFans next_totals_ = no_fans();
  std::unique_ptr<StepBlock> block_;                    // of the step that is closing
  boost::unordered_flat_map<uint64_t, uint32_t> rows_;  // infer::node_key -> row of block_
  boost::unordered_flat_map<uint64_t, Next> next_;      // infer::node_key
  std::deque<std::pair<int64_t, Coverage>> hours_;      // by hour
  std::vector<float> sorted_;                           // of fans_of()
};

// The kind whose nodes' sum is the network's traffic: hosts, else prefixes, interfaces, AS.
series::NodeKind primary_kind(const series::NodeOptions& nodes);

}  // namespace netflowgen::serve
