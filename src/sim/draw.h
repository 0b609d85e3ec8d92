// Scenarios drawn at random: networks as unlike each other as real ones are, with attacks far wider than their
// types' usual shapes. What a model is pre-trained on and validated with.
//
// Invariants: 1. The scenario depends on the seed and the options alone. 2. validate() passes. 3. All that was
// drawn is in the scenario (attacks are scripted, benign events have their ranges), so dump_scenario() gives
// the same flows again. 4. Its flow records are expected to be at most `max_records`. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario.h"

namespace netflowgen::sim {

// Families that a draw does without, so that a validation network can have what was never trained on.
struct LeaveOut {
  std::vector<std::string> attacks;          // types, with carpet_bombing and pulse_wave
  std::vector<std::string> shapes;           // of kShapeFamilies
  std::vector<std::string> roles;            // built-in ones
  std::vector<std::string> cycles;           // office, home, server, flat, night
  std::vector<std::string> benign;           // kinds of event
  std::optional<Between<int64_t>> sampling;  // N in [low, high]
};

// How the flows of an attack differ from its type's: it comes from one source; its sources keep one flow each;
// its flows have several packets; the victim answers; it comes in pulses.
inline constexpr const char* kShapeFamilies = "one_source, kept_flows, connections, answered, pulsed";

struct DrawOptions {
  int64_t max_hosts = 400;
  int64_t max_records = 2'000'000;
  Between<Duration> duration{{86'400'000}, {3 * 86'400'000}};
  LeaveOut leave_out = {};
};

// Error: an option that makes no sense, a family that does not exist, or nothing is left to draw from.
Scenario draw_scenario(uint64_t seed, const DrawOptions& options = {});

}  // namespace netflowgen::sim
