// What `serve --demo` replays: the built-in scenario "demo" with an hourly attack in its past, and one every few minutes from the
// start of the live part on. Any thread.
#pragma once

#include <cstdint>

#include "sim/scenario.h"

namespace netflowgen::serve {

inline constexpr int64_t kDemoHistory_ms = 6 * 3'600'000;  // replayed at once, so that nothing is empty
inline constexpr int64_t kDemoLength_ms = 24 * 3'600'000;  // of a scenario; then the next one begins
inline constexpr int64_t kDemoFirstAttack_ms = 30'000;     // after the start of the live part
inline constexpr int64_t kDemoAttackEvery_ms = 5 * 60'000;
inline constexpr int64_t kDemoPastAttackEvery_ms = 3'600'000;

// From `start_ms`, a whole minute, for kDemoLength_ms; attacks are frequent from `live_ms` on.
sim::Scenario demo_scenario(base::TimeMs start_ms, base::TimeMs live_ms);

}  // namespace netflowgen::serve
