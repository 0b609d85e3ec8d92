// What a node did, as ranks under the model's forecasts of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "sim/generate/next_step.h"

namespace netflowgen::sim {

// One position of the node's past.
struct PastStep {
  static constexpr size_t kIdle = SIZE_MAX;
  bool waking = false;   // the node was asleep: its idle steps were no positions any more
  float activity = 0;    // rank of idle or active, unless waking
  float gap = 0;         // rank of the silence before it, of a waking one
  size_t ranks = kIdle;  // number of its ranks and its row, of an active one
  bool active() const { return ranks != kIdle; }
};

class Past {
 public:
  // `state`: numbers that say where the node was before a step, [width].
  Past(size_t channels, size_t vocabulary, size_t width)
      : own(channels), habits(vocabulary), given(channels), channels_(channels), width_(width) {}

  // Active positions: what rank each channel's value had.
  void add(const PastStep& step, std::span<const float> state);
  void add(PastStep step, std::span<const float> state, std::span<const float> ranks, size_t row);
  // Of two steps the one whose state was closer to this one, each number over its spread in the past. REQUIRES: learned().
  size_t closer(size_t a, size_t b, std::span<const float> state) const;
  void learned();  // no more steps come
  std::span<const float> ranks(const PastStep& step) const {
    return {ranks_.data() + step.ranks * channels_, channels_};
  }
  size_t row(const PastStep& step) const { return rows_[step.ranks]; }

  // Numbers of the steps that each kind of draw may take.
  enum Kind : uint8_t { kAwake, kActive, kWaking, kKinds };
  const std::vector<uint32_t>& of(Kind kind) const { return kinds_[kind]; }
  const PastStep& at(size_t number) const { return steps_[number]; }
  size_t size() const { return steps_.size(); }
  size_t active() const { return rows_.size(); }
  // Whether a draw of this kind may take the step.
  bool is(Kind kind, size_t number) const;

  OwnValues own;
  Habits habits;
  std::vector<uint8_t> given;  // [channels] the node had a value of it

 private:
  double distance(size_t number, std::span<const float> state) const;

  size_t channels_;
  size_t width_;
  std::vector<float> states_;  // [steps, width]
  std::vector<float> scale_;   // [width]
  std::vector<PastStep> steps_;
  std::vector<float> ranks_;  // [active steps, channels]
  std::vector<size_t> rows_;  // [active steps] of the table
  std::vector<uint32_t> kinds_[kKinds];
};

}  // namespace netflowgen::sim
