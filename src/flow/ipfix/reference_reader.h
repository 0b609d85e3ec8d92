// The reference implementation of the compiled plans: reads a record field by field as RFC 3954 and RFC 7011 say, keeps
// every field, then looks up what a Flow wants. Nothing is prepared and nothing is shared with plan*.cc, so
// that a fault in one of them shows as a difference (session_test.cc, fuzz/differential_fuzz.cc,
// bench/decode.cc).
//
// Also what option records and observers are read with.
#pragma once

#include <optional>
#include <vector>

#include "flow/ipfix/plan.h"
#include "flow/ipfix/sampling.h"
#include "flow/ipfix/template.h"

namespace netflowgen::flow {

// One record as fields, scopes first. Returns its octets; nullopt: it is cut short.
std::optional<size_t> reference_fields(const TemplateRecord& record, base::Bytes bytes,
                                       std::vector<RawField>& fields);

struct CounterTotals {
  std::optional<uint64_t> bytes;
  std::optional<uint64_t> packets;

  bool any() const { return bytes.value_or(0) != 0 || packets.value_or(0) != 0; }
};

// What a record says apart from the fields of Flow.
struct RecordExtras {
  RateFields rate;
  std::optional<uint64_t> sampler;
  std::optional<uint64_t> selector;
  std::optional<uint64_t> duration_ms;
  base::Bytes section;  // a piece of the packet
  PacketLink section_link = PacketLink::kEthernet;
  std::optional<uint64_t> section_size;
  bool uptime_without_boot = false;
  RunningKind running = RunningKind::kNone;
  std::optional<uint64_t> flow_id;  // where `running` is not kNone
  CounterTotals totals;
  CounterTotals reverse_totals;
  bool forward_empty =
      false;  // a record of two directions: the forward one has no counter above zero, the other one has, or could
  bool reverse = false;  // `reverse_flow` is a flow in the other direction, times as given
  Flow reverse_flow;
};

// Fills `flow` (known bits, times 0 where absent) and `extras` from the fields of one data record.
void reference_flow(const std::vector<RawField>& fields, const TemplateRecord& record, TimeBase base,
                    TunnelKeys tunnel_keys, Flow& flow, RecordExtras& extras);

}  // namespace netflowgen::flow
