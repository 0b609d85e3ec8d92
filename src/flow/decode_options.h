// What can be chosen when datagrams are decoded: bounds, times, sampling, what becomes a flow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "flow/record.h"

namespace netflowgen::flow {

// Whose templates a data set may use. Sets of another source address or domain never count.
enum class TemplateScope : uint8_t {
  kAdaptive,  // (address, domain, source port); where that port defined none, the newest of any other port
  kAddress,   // (address, domain): one definition, whichever port sent it last
  kPort,      // (address, domain, source port), as RFC 7011 section 8 scopes a UDP session
};

// Which time a flow gets.
enum class TimePolicy : uint8_t {
  kFlow,       // start and end as exported
  kExport,     // end = the datagram's export time, start = end - duration
  kReceive,    // end = received_ms, start = end - duration
  kCorrected,  // as exported, moved by received_ms - export time: an exporter with a wrong clock
};

enum class TunnelKeys : uint8_t { kOuter, kInner };  // GRE, VXLAN, IP-in-IP in sampled packet headers

// What an operator knows better about one exporter.
struct ExporterPolicy {
  IpAddr exporter;
  uint32_t sampling_default = 0;   // used while the exporter announces none; 0: DecodeOptions' default
  uint32_t sampling_override = 0;  // used whatever the exporter says; 0: none
  std::optional<TimePolicy> time;
};

struct DecodeOptions {
  TemplateScope template_scope = TemplateScope::kAdaptive;
  // A template that was not sent again for this long is forgotten (RFC 7011 section 8.4); 0: never.
  int64_t template_lifetime_ms = 24LL * 3600 * 1000;
  size_t max_templates = 65536;              // in all; the least recently used is evicted
  size_t max_templates_per_exporter = 8192;  // ditto, so that a flood evicts its sender's own first
  size_t max_template_bytes = 64u << 20;     // all templates and their plans
  size_t max_exporters = 16384;              // the least recently active is folded into the sum "evicted"
  size_t max_domains_per_exporter = 1024;    // (version, domain) pairs with sequence and sampling state

  // Data sets that came before their template: held and replayed when it comes, or dropped at once.
  bool hold_data = true;
  size_t max_held_bytes = 16u << 20;              // in all; the oldest is dropped
  size_t max_held_bytes_per_exporter = 2u << 20;  // ditto, of its sender
  size_t max_replayed_flows = 262'144;            // when a template comes; more held sets are dropped
  int64_t max_hold_ms = 30LL * 60 * 1000;         // older ones are dropped

  // Flows and connections whose last running total is kept, to take only what was added since.
  size_t max_running_totals = 262'144;               // in all; the least recently reported is evicted
  size_t max_running_totals_per_exporter = 131'072;  // ditto, so that a flood evicts its sender's own first

  uint32_t sampling_default = 1;       // for exporters that announce none; such flows lack kKnownSampling
  uint32_t sampling_max = 10'000'000;  // a larger announced rate is bogus: counted and not used
  std::vector<ExporterPolicy> exporters;

  TimePolicy time = TimePolicy::kFlow;
  // Flows that end later than received_ms by more than this are moved to end at received_ms, and counted.
  int64_t max_future_ms = 5LL * 60 * 1000;
  // Flows that end earlier than received_ms by more than this are moved likewise; 0: not. For live input.
  int64_t max_past_ms = 0;
  // The same for stored packets, where nothing is late: only flows of an exporter whose clock (the header's) is behind
  // received_ms by more than this, and flows that end more than a day before; 0: not.
  int64_t max_clock_behind_ms = 0;
  // A flow that lasts longer is bogus: it keeps its end, and its duration is unknown.
  int64_t max_duration_ms = 7LL * 24 * 3600 * 1000;

  bool biflow_as_two = true;   // reverse elements (RFC 5103, NSEL responder counters) make a second flow
  bool sflow_discards = true;  // sFlow discarded-packet samples make flows (event 3, denied)
  bool sflow_agent_is_exporter = true;  // Flow::exporter is the agent address, not the UDP source
  TunnelKeys tunnel_keys = TunnelKeys::kOuter;

  // Decode data sets with the reference reader of the RFC text instead of compiled plans; for tests.
  bool reference = false;
};

}  // namespace netflowgen::flow
