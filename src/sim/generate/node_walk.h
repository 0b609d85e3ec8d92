// One node that is generated: first along its history, then on its own.
//
// next() says what happens at the node's next position, the caller steps the engine with it, and forecast() takes what the engine
// found. Until the table's end next() gives what was; behind it what is drawn.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "series/frame_table.h"
#include "sim/generate.h"
#include "sim/generate/past.h"

namespace netflowgen::sim {

// What all nodes of a call share.
struct GenerateScene {
  const series::FrameTable& table;
  const token::Encoder& encoder;
  const GenerateOptions& options;
};

class NodeWalk {
 public:
  NodeWalk(const GenerateScene& scene, const GeneratedNode& node);

  const std::string& name() const { return name_; }
  const Past& past() const { return past_; }

  struct Position {
    int64_t step = 0;
    std::span<const float> frame;  // empty: idle. Until the next call
  };
  // History: nullopt behind its end.
  std::optional<Position> next_past();
  // What happens at `step`, behind the history: nullopt where the node is asleep. Steps ascend by one.
  std::optional<Position> draw(int64_t step, std::span<const NodeWalk* const> others, NextStep& forecast);
  // What the engine forecasts after the last position.
  void set_forecast(std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); }
  // Ranks of the history's position that next_past() gave, under the forecast before it. REQUIRES: before set_forecast().
  void learn(NextStep& forecast);

 private:
  struct Drawn {
    const Past* past;
    const PastStep* step;  // nullptr: nobody has such a step
  };
  bool asleep() const;
  void moved(int64_t step, std::span<const float> frame);
  void see(int64_t gap, std::span<const float> frame);
  Drawn pick(Past::Kind kind, std::span<const NodeWalk* const> others);
  size_t pick_own(Past::Kind kind);
  bool fill(const Drawn& from, const NextStep& forecast, std::span<const NodeWalk* const> others);
  float value_of(size_t channel, const Drawn& from, const NextStep& forecast,
                 std::span<const NodeWalk* const> others);
  void fall_asleep(int64_t passed, std::span<const NodeWalk* const> others, NextStep& forecast);

  // Where the node is: of each volume the last log1p and its running mean; then the time of day, as a point of a circle.
  std::vector<float> state_;
  std::vector<float> before_;  // state_ before the last position
  const GenerateScene& scene_;
  std::string name_;
  base::Random random_;
  size_t begin_;  // rows of the node
  size_t row_;    // the next one
  size_t end_;
  size_t learn_from_;  // rows whose ranks are kept
  int64_t last_ = 0;   // position
  int64_t idle_run_ = 0;
  bool started_ = false;
  bool was_asleep_ = false;  // before the last position of the history
  int64_t gap_ = 0;          // before it
  bool was_active_ = false;
  std::optional<int64_t> wake_;
  size_t cursor_[Past::kKinds] = {};
  Past past_;
  std::vector<float> logits_;
  std::vector<float> frame_;
};

}  // namespace netflowgen::sim
