#include "flow/decoder/times.h"

#include <algorithm>

namespace netflowgen::flow {
namespace {

void no_duration(Flow& f) { f.known &= ~uint32_t{kKnownDuration}; }

void fill_missing(Flow& f, const TimeBase& base, std::optional<uint64_t> stated, const TimeRules& rules,
                  Counters& counters) {
  const bool usable = stated && *stated <= static_cast<uint64_t>(rules.max_duration_ms);
  const int64_t duration = usable ? static_cast<int64_t>(*stated) : 0;
  if (!usable) no_duration(f);
  if (f.start_ms == 0 && f.end_ms == 0) {
    counters.note(Note::kNoTime);
    f.end_ms = base.export_ms != 0 ? base.export_ms : f.received_ms;
  }
  if (f.end_ms == 0) {
    f.end_ms = f.start_ms + duration;
  } else {
    f.start_ms = std::max<TimeMs>(f.end_ms - duration, 0);
  }
}

void end_at(Flow& f, TimeMs end) {
  f.start_ms = std::max<TimeMs>(end - (f.end_ms - f.start_ms), 0);
  f.end_ms = end;
}

void apply_policy(Flow& f, const TimeBase& base, TimePolicy policy) {
  const bool both = base.export_ms != 0 && f.received_ms != 0;
  switch (policy) {
    case TimePolicy::kFlow:
      break;
    case TimePolicy::kExport:
      if (base.export_ms != 0) end_at(f, base.export_ms);
      break;
    case TimePolicy::kReceive:
      if (f.received_ms != 0) end_at(f, f.received_ms);
      break;
    case TimePolicy::kCorrected:
      if (both) end_at(f, std::max<TimeMs>(f.end_ms + f.received_ms - base.export_ms, 0));
      break;
  }
}

constexpr int64_t kOldMs = 24LL * 3600 * 1000;  // no exporter holds a flow back for longer

// Whether the end is too early to be plausible.
bool too_early(const Flow& f, const TimeBase& base, const TimeRules& rules) {
  const int64_t ago = f.received_ms - f.end_ms;
  if (rules.max_past_ms != 0 && ago > rules.max_past_ms) return true;
  if (rules.max_clock_behind_ms == 0 || ago <= rules.max_clock_behind_ms) return false;
  return f.received_ms - base.export_ms > rules.max_clock_behind_ms || ago > kOldMs;
}

}  // namespace

void settle_times(Flow& f, const TimeBase& base, const TimeRules& rules, std::optional<uint64_t> duration_ms,
                  Counters& counters) {
  if (f.start_ms == 0 || f.end_ms == 0) [[unlikely]]
    fill_missing(f, base, duration_ms, rules, counters);
  if (f.end_ms < f.start_ms) [[unlikely]] {
    counters.note(Note::kEndBeforeStart);
    f.start_ms = f.end_ms;
    no_duration(f);
  }
  if (f.end_ms - f.start_ms > rules.max_duration_ms) [[unlikely]] {
    counters.note(Note::kTooLong);
    f.start_ms = f.end_ms;
    no_duration(f);
  }
  if (rules.policy != TimePolicy::kFlow) [[unlikely]]
    apply_policy(f, base, rules.policy);
  if (f.received_ms == 0) return;
  if (f.end_ms > f.received_ms + rules.max_future_ms) [[unlikely]] {
    counters.note(Note::kFutureTime);
    end_at(f, f.received_ms);
  } else if (too_early(f, base, rules)) [[unlikely]] {
    counters.note(Note::kPastTime);
    end_at(f, f.received_ms);
  }
}

}  // namespace netflowgen::flow
