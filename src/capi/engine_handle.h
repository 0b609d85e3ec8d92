// What an nfg_engine holds: the detector of the live path, the series builder in front of it, and queues of results.
//
// Invariants: 1. A call that is refused because results wait has changed nothing; the results of a call that was taken are all
// kept. 2. The sink of results never throws for want of room. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capi/netflowgen.h"
#include "detect/streaming_detector.h"
#include "series/builder.h"
#include "serve/detect_setup.h"

namespace netflowgen::capi {

struct Score {
  std::string node;
  base::TimeMs time_ms = 0;
  std::vector<float> scores;
  uint32_t position = 0;
};

class EngineHandle {
 public:
  // Error, UsageError: see nfg_engine_open.
  explicit EngineHandle(const nfg_engine_options& options);

  void add_flows(std::span<const nfg_flow> flows);
  void add_frame(std::string_view node, base::TimeMs time_ms, std::span<const float> frame);
  void close_steps(base::TimeMs time_ms);

  // False: none waits. What it gives is valid until the next call.
  bool next_score(nfg_score& score);
  const char* next_alert();
  const char* counters();

  const std::vector<std::string>& tasks() const { return tasks_; }
  int64_t step_ms() const { return setup_.step_ms(); }

 private:
  enum class Input : uint8_t { kNone, kFlows, kFrames };
  void take(Input input);
  void need_room() const;
  void keep_scores(int64_t step, std::span<const detect::NodeScores> seen);
  void keep_alert(std::string line);
  series::SeriesBuilder& builder();

  serve::DetectSetup setup_;
  size_t max_queued_;
  std::vector<std::string> tasks_;
  std::deque<Score> scores_;
  std::deque<std::string> alerts_;
  detect::StreamingDetector detector_;
  series::SeriesOptions series_;
  std::optional<series::SeriesBuilder> builder_;  // of flows, made with the first one
  Input input_ = Input::kNone;
  std::vector<flow::Flow> flows_;
  int64_t open_step_;  // of frames; kNoStep: none
  size_t frames_ = 0;  // of it
  Score score_;        // given last
  std::string alert_;
  std::string counters_;
};

}  // namespace netflowgen::capi
