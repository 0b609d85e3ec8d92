#include "series/refusals.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time.h"
#include "series/builder.h"

namespace netflowgen::series {

std::string_view name_of(FlowDrop reason) {
  switch (reason) {
    case FlowDrop::kLate:
      return "late";
    case FlowDrop::kBadTime:
      return "bad_time";
    case FlowDrop::kAhead:
      return "far_ahead";
    case FlowDrop::kBehind:
      return "far_behind";
    case FlowDrop::kTooLong:
      return "too_long";
    case FlowDrop::kNotSelected:
      return "not_selected";
    case FlowDrop::kElsewhere:
      return "counted_elsewhere";
    case FlowDrop::kEvent:
      return "event";
    case FlowDrop::kRepeat:
      return "repeat";
    case FlowDrop::kCount:
      break;
  }
  return "";
}

void Refusals::note(FlowDrop reason, const flow::Flow& f) {
  Seen& s = seen_[static_cast<size_t>(reason)];
  if (s.flows++ == 0) {
    s = {1, f.start_ms, f.end_ms, f.start_ms, f.end_ms};
    return;
  }
  s.low_ms = std::min(s.low_ms, f.start_ms);
  s.high_ms = std::max(s.high_ms, f.end_ms);
}

namespace {

std::string seconds(int64_t ms) { return fmt::format("{:g} s", static_cast<double>(ms) / 1000); }

std::string rule_of(FlowDrop reason, const SeriesOptions& o) {
  switch (reason) {
    case FlowDrop::kBadTime:
      return fmt::format("a flow starts at {} or later, ends at {} or earlier, and not before it starts",
                         base::format_time(o.min_time_ms), base::format_time(o.max_time_ms));
    case FlowDrop::kTooLong:
      return fmt::format("a flow lasts at most {} (--max-duration)", seconds(o.max_duration_ms));
    case FlowDrop::kAhead:
      return fmt::format("a flow starts at most {} after the flows around it", seconds(o.max_jump_ms));
    case FlowDrop::kBehind:
      return fmt::format("a flow ends at most {} before the flows around it", seconds(o.max_duration_ms));
    case FlowDrop::kLate:
      return o.plan ? "steps that the store holds already are closed"
                    : fmt::format("a flow ends at most {} (--lateness) before the latest start",
                                  seconds(o.lateness_ms));
    default:
      return "";
  }
}

}  // namespace

std::vector<std::pair<std::string_view, std::string>> Refusals::rules(const SeriesOptions& options) const {
  std::vector<std::pair<std::string_view, std::string>> out;
  for (size_t i = 0; i < seen_.size(); ++i) {
    const Seen& s = seen_[i];
    if (s.flows == 0) continue;
    const auto reason = static_cast<FlowDrop>(i);
    const std::string rule = rule_of(reason, options);
    if (rule.empty()) continue;  // refused for what it is, not for its times
    std::string text = fmt::format("first a flow from {} to {}", base::format_time(s.first_start_ms),
                                   base::format_time(s.first_end_ms));
    if (s.flows > 1) {
      text += fmt::format(", all of them between {} and {}", base::format_time(std::min(s.low_ms, s.high_ms)),
                          base::format_time(std::max(s.low_ms, s.high_ms)));
    }
    out.emplace_back(name_of(reason), text + "; rule: " + rule);
  }
  return out;
}

}  // namespace netflowgen::series
