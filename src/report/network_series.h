// The whole network as one node: what went in and out of it step by step, and what the model expected of it one step before.
//
// The network's frames are made by the series builder like any node's: flows are given an interface that stands for it (1:
// the destination is own, the source is own). So the band is the model's own forecast of the sum; bands of nodes cannot be
// added up. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "flow/record.h"
#include "infer/engine.h"
#include "series/builder.h"
#include "series/features.h"

namespace netflowgen::report {

struct Band3 {
  double low = std::numeric_limits<double>::quiet_NaN();
  double middle = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct NetworkStep {
  int64_t step = 0;
  std::array<float, series::kFeatureCount> frame;
  std::map<int, Band3> forecast;  // by feature; made at the end of the step before
};

class NetworkSeries : public series::FrameSink {
 public:
  // `model` may be null: no forecasts then.
  explicit NetworkSeries(std::shared_ptr<const infer::Model> model);

  // Steps ascend.
  void frame(const series::NodeKey&, int64_t step, std::span<const float> frame) override {
    add(step, frame);
  }
  void add(int64_t step, std::span<const float> frame);

  // Steps in which something was active, ascending; the others are zero.
  const std::vector<NetworkStep>& steps() const { return steps_; }
  // The quantiles that low and high are, as shares: 0.1 and 0.9.
  double low_quantile() const;
  double high_quantile() const;

 private:
  void position(int64_t step, std::span<const float> frame);
  void pass_idle(int64_t step);

  std::shared_ptr<const infer::Model> model_;
  std::unique_ptr<infer::Engine> engine_;
  infer::Results results_;
  std::map<int64_t, std::map<int, Band3>> coming_;  // by the step that they are of
  std::vector<NetworkStep> steps_;
};

// The nodes that a builder needs for flows that as_network() made.
series::NodeOptions network_nodes();
// `own`: the network's addresses; without any, all are.
flow::Flow as_network(const flow::Flow& flow, const series::AddressSet& own, bool all);

}  // namespace netflowgen::report
