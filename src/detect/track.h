// One node's scores of one task, step by step -> when an alert is raised, lasts and ends.
//
// Surprise marks changes, not states: a flood surprises at its first step and is expected a few steps later.
// So the track latches. The band forecast before the run began (the baseline) stays what traffic is measured
// against until it is back inside, whatever the scores are meanwhile.
//
//   quiet    --score >= off-->           pending   the baseline is kept
//   pending  --min_steps times >= on-->  active    raised
//   pending  --end_steps normal-->         quiet
//   active   --end_steps normal-->         quiet     ended; normal: score < off and no latched volume above band
//   quiet    --score >= off, merge_steps after an end or sooner, >= on-->  active   resumed, same alert
//
// Invariants: 1. No clock: steps are an input and only increase. 2. Plain data: copy to save. 3. A run of
// silent steps may be told by its last one alone: the outcome is the same.
#pragma once

#include <array>
#include <cstdint>

#include "detect/rule.h"
#include "token/encoder.h"

namespace netflowgen::detect {

using token::kMaxVolumes;

inline constexpr int64_t kNoStep = INT64_MIN;

// Forecast of one step's volumes, log1p of the features' units; NaN: no forecast.
struct Band {
  std::array<float, kMaxVolumes> middle;
  std::array<float, kMaxVolumes> upper;

  static Band none();
  // Bit v: volume v of `seen` (log1p) is above the band.
  uint32_t above(const std::array<float, kMaxVolumes>& seen) const;
};

// One step of one node as a track sees it.
struct Observation {
  float score = 0;                      // NaN: none
  Band band;                            // forecast for this step by the position before it
  std::array<float, kMaxVolumes> seen;  // log1p
};

enum class Transition : uint8_t { kNone, kRaised, kResumed, kEnded };

struct Track {
  enum class State : uint8_t { kQuiet, kPending, kActive };
  State state = State::kQuiet;
  uint32_t latched = 0;           // volumes that left the baseline's band while the score was high
  int64_t start_step = kNoStep;   // of the run: its first step at or above `off`
  int64_t raised_step = kNoStep;  // of the alert
  int64_t last_hot = kNoStep;     // last step that was not normal
  int64_t last_on = kNoStep;      // last step with a score at or above `on`
  int64_t end_step = kNoStep;     // of the last alert: the step after its last_hot
  int64_t alert_start = kNoStep;  // start_step of the alert that end_step belongs to
  int64_t hits = 0;               // steps of the run at or above `on`
  float peak = 0;
  Band baseline = Band::none();

  bool idle() const { return state == State::kQuiet; }
  // REQUIRES: step is greater than at the last call.
  Transition update(int64_t step, const Observation& observed, const Threshold& threshold,
                    const Timing& timing);
  // The node had no frame at `step`: traffic is zero, so nothing is above a band and there is no score.
  Transition silent(int64_t step, const Timing& timing);
  // True when the track holds nothing that a later step could need.
  bool forgettable(int64_t step, const Timing& timing) const;

 private:
  Transition normal(int64_t step, const Timing& timing);
  Transition hot(int64_t step, const Observation& observed, const Threshold& threshold, const Timing& timing);
};

}  // namespace netflowgen::detect
