// What decides when a node's scores become an alert. Resolved once a node from the calibration and the
// policies; plain data. docs/detection.md explains each figure.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace netflowgen::detect {

inline constexpr float kNeverScore = std::numeric_limits<float>::infinity();

enum class Severity : uint8_t { kLow, kMedium, kHigh, kCritical };
std::string_view name_of(Severity severity);  // "low", "medium", "high", "critical"

// Why an alert is written down but not sent.
enum class Suppression : uint8_t { kNone, kLearning, kMuted, kMaintenance, kCooldown, kDryRun, kCount };
std::string_view name_of(Suppression reason);  // "", "learning", "muted", ...

// When runs of high scores begin, last and end. All lengths are in steps.
struct Timing {
  int64_t min_steps = 1;       // steps at or above `on` within a run before an alert is raised
  int64_t end_steps = 3;       // normal steps (below `off`, back in the band) that end an alert
  int64_t merge_steps = 10;    // a run so soon after an alert's end continues that alert
  int64_t cooldown_steps = 0;  // after an alert's end, new alerts of the node and task are suppressed
  int64_t max_steps = 1440;    // a latch without a score above `on` gives up: the traffic is the new normal
  int64_t long_steps = 60;  // calibration: an alert counts as one false alarm for each of these periods begun
  bool operator==(const Timing&) const = default;
};

// One task's thresholds on one node. A score at or above `on` counts towards an alert, below `off` it is
// normal.
struct Threshold {
  float on = kNeverScore;
  float off = kNeverScore;
  float grades[3] = {kNeverScore, kNeverScore, kNeverScore};  // peaks from which it is medium, high, critical
  bool operator==(const Threshold&) const = default;
};

// What the policies set for one node.
struct Rule {
  std::vector<Threshold> thresholds;  // parallel to the detector's tasks
  Timing timing;
  int64_t learning_steps = 128;  // since the node was first seen; until then nothing is sent
  int64_t outage_steps = 0;      // silence that may raise an outage alert at the earliest; 0: never
  bool fixed_severity = false;
  Severity severity = Severity::kLow;
  bool mute = false;
  std::vector<std::string> contacts;
  std::string policy;  // the longest prefix (or node) that applied, "" for none
  bool operator==(const Rule&) const = default;
};

}  // namespace netflowgen::detect
