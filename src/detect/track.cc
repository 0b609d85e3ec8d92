#include "detect/track.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace netflowgen::detect {

std::string_view name_of(Severity severity) {
  constexpr std::string_view kNames[] = {"low", "medium", "high", "critical"};
  return kNames[static_cast<size_t>(severity)];
}

std::string_view name_of(Suppression reason) {
  constexpr std::string_view kNames[] = {"", "learning", "muted", "maintenance", "cooldown", "dry run", ""};
  return kNames[static_cast<size_t>(reason)];
}

Band Band::none() {
  Band b;
  b.middle.fill(std::numeric_limits<float>::quiet_NaN());
  b.upper.fill(std::numeric_limits<float>::quiet_NaN());
  return b;
}

uint32_t Band::above(const std::array<float, kMaxVolumes>& seen) const {
  uint32_t bits = 0;
  for (size_t v = 0; v < kMaxVolumes; ++v) {
    if (seen[v] > upper[v]) bits |= 1u << v;  // false where either is NaN
  }
  return bits;
}

Transition Track::update(int64_t step, const Observation& observed, const Threshold& threshold,
                         const Timing& timing) {
  const bool over = observed.score >= threshold.off;
  if (state == State::kQuiet && !over) return Transition::kNone;
  if (state == State::kQuiet) {
    state = State::kPending;
    start_step = step;
    hits = 0;
    latched = 0;
    peak = observed.score;
    // A run that continues the last alert keeps that alert's baseline: what came since is its aftermath.
    const bool continues = end_step != kNoStep && step - end_step <= timing.merge_steps;
    if (!continues) baseline = observed.band;
  }
  // Only what is above the baseline while the score is high gets latched: later rises of other volumes are
  // another matter (for example the day's own cycle).
  const uint32_t above = baseline.above(observed.seen);
  if (observed.score >= threshold.on) latched |= above;
  if (over || (latched & above) != 0) return hot(step, observed, threshold, timing);
  return normal(step, timing);
}

Transition Track::hot(int64_t step, const Observation& observed, const Threshold& threshold,
                      const Timing& timing) {
  last_hot = step;
  if (observed.score > peak) peak = observed.score;
  if (observed.score >= threshold.on) {
    last_on = step;
    ++hits;
  }
  if (state == State::kPending && hits >= timing.min_steps) {
    state = State::kActive;
    const bool continues = end_step != kNoStep && start_step - end_step <= timing.merge_steps;
    if (continues) {
      start_step = alert_start;
      return Transition::kResumed;
    }
    alert_start = start_step;
    raised_step = step;
    return Transition::kRaised;
  }
  if (state == State::kActive && step - last_on >= timing.max_steps) {
    latched = 0;
    state = State::kQuiet;
    end_step = step + 1;
    return Transition::kEnded;
  }
  return Transition::kNone;
}

Transition Track::normal(int64_t step, const Timing& timing) {
  if (step - last_hot < timing.end_steps) return Transition::kNone;
  const bool active = state == State::kActive;
  state = State::kQuiet;
  latched = 0;
  if (!active) return Transition::kNone;
  end_step = last_hot + 1;
  return Transition::kEnded;
}

Transition Track::silent(int64_t step, const Timing& timing) {
  return state == State::kQuiet ? Transition::kNone : normal(step, timing);
}

bool Track::forgettable(int64_t step, const Timing& timing) const {
  if (state != State::kQuiet) return false;
  return end_step == kNoStep || step - end_step > std::max(timing.merge_steps, timing.cooldown_steps);
}

}  // namespace netflowgen::detect
