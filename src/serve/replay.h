// Recorded traffic through the detector of the live path, as if it were live: flows by the Pipeline; rates and series
// stores step by step.
//
// One thread. The same input gives the same alerts, byte for byte, at any speed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/stop.h"
#include "detect/streaming_detector.h"
#include "flow/source.h"
#include "series/frame_table.h"
#include "serve/pipeline.h"

namespace netflowgen::serve {

struct ReplayOptions {
  double speed = 0;  // how many times faster than recorded; 0: as fast as possible
  const base::StopFlag* stop = nullptr;
  base::ProgressFn progress;
  std::function<void(uint64_t nodes)> nodes_known = {};  // after each step: how many the engine knows
};

// `series`: its step is the model's. Steps that the stream has seen are not seen again. Error: the input cannot be
// opened; an error while it is read is the outcome's failure.
InputOutcome replay_flows(std::unique_ptr<flow::FlowSource> source, series::SeriesOptions series,
                          const ReplayOptions& options, detect::StreamingDetector& stream);

// Rows that are rates per node.
InputOutcome replay_rates(std::unique_ptr<flow::RateSource> source, int64_t step_ms,
                          const ReplayOptions& options, detect::StreamingDetector& stream);

// A series store. Error: steps of another length.
InputOutcome replay_store(const std::string& store, int64_t step_ms, const ReplayOptions& options,
                          detect::StreamingDetector& stream);
// The same of its table; `name` is for messages.
InputOutcome replay_table(const series::FrameTable& table, const std::string& name, int64_t step_ms,
                          const ReplayOptions& options, detect::StreamingDetector& stream);

}  // namespace netflowgen::serve
