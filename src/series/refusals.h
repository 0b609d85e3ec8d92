// Why a flow does not get into the series, and, for people, the first such flow with the rule that it broke.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flow/record.h"

namespace netflowgen::series {

struct SeriesOptions;

enum class FlowDrop : uint8_t {
  kLate,         // wholly before the oldest open step
  kBadTime,      // before min_time, after max_time, or end before start
  kAhead,        // far ahead of the flows around it
  kBehind,       // far behind the flows around it (with a plan; else it is late)
  kTooLong,      // longer than max_duration
  kNotSelected,  // belongs to no node that was asked for
  kElsewhere,    // its nodes are counted at another exporter
  kEvent,        // a log entry without a packet or byte (flow/settle.h)
  kRepeat,       // a running total that has not grown since it was counted
  kCount
};
std::string_view name_of(FlowDrop reason);

// What was refused for its times, by reason. One thread.
class Refusals {
 public:
  void note(FlowDrop reason, const flow::Flow& flow);
  // One sentence a reason: the first flow, the range of the times seen, the rule.
  std::vector<std::pair<std::string_view, std::string>> rules(const SeriesOptions& options) const;

 private:
  struct Seen {
    uint64_t flows = 0;
    base::TimeMs first_start_ms = 0;
    base::TimeMs first_end_ms = 0;
    base::TimeMs low_ms = 0;   // earliest start
    base::TimeMs high_ms = 0;  // latest end
  };
  std::array<Seen, static_cast<size_t>(FlowDrop::kCount)> seen_{};
};

}  // namespace netflowgen::series
