// The last word on a flow's times: what is missing, turned around, absurd or out of step with our clock is
// put right by the rules of DecodeOptions, and counted. docs/collector.md states the rules.
#pragma once

#include <optional>

#include "flow/decode_options.h"
#include "flow/decoder/exporter.h"
#include "flow/ipfix/plan.h"
#include "flow/record.h"

namespace netflowgen::flow {

struct TimeRules {
  TimePolicy policy = TimePolicy::kFlow;
  int64_t max_future_ms = 0;
  int64_t max_past_ms = 0;
  int64_t max_clock_behind_ms = 0;
  int64_t max_duration_ms = 0;
};

// Takes flow.start_ms and end_ms as the record gave them (0: not at all) and leaves start <= end.
// `duration_ms` is what the record states apart from them. flow.received_ms is set (0: not known).
void settle_times(Flow& flow, const TimeBase& base, const TimeRules& rules,
                  std::optional<uint64_t> duration_ms, Counters& counters);

}  // namespace netflowgen::flow
