// The fields of sFlow version 5 (sflow.org/sflow_version_5.txt, July 2004; discards: sflow_drops.txt) that
// make a flow. Pure functions over one sample; the decoder keeps the state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/cursor.h"
#include "flow/packet/packet.h"
#include "flow/record.h"

namespace netflowgen::flow {

// Sample formats: enterprise 0.
enum SflowSample : uint32_t {
  kSflowFlow = 1,
  kSflowCounters = 2,
  kSflowExpandedFlow = 3,
  kSflowExpandedCounters = 4,
  kSflowDiscard = 5,
};

struct SflowHeader {
  IpAddr agent;  // zero where its type is unknown
  uint32_t sub_agent = 0;
  uint32_t sequence = 0;
  uint32_t uptime_ms = 0;
  uint32_t samples = 0;
};
// Leaves `c` behind the header; failed() when it is cut.
SflowHeader read_sflow_header(base::Cursor& c);

struct SflowFlowSample {
  uint32_t sequence = 0;
  uint32_t source = 0;  // type << 24 | index
  uint32_t rate = 0;
  uint32_t drops = 0;
  uint32_t input = 0;   // ifIndex, 0 where there is none
  uint32_t output = 0;  // ditto, 0 also for several or a discard
  bool discarded = false;
  uint32_t reason =
      0;  // of a discard: an ICMP destination-unreachable code, or 256 and above (sflow_version_5.txt)
};
// The sample up to its records. `format` is one of the flow formats or the discard format.
SflowFlowSample read_sflow_sample(base::Cursor& c, uint32_t format);

// What the records of a sample say, in the order in which they may fill a Flow.
struct SflowRecords {
  std::optional<PacketHeaders> packet;
  uint32_t frame_size = 0;  // without what was stripped at the end
};
// Reads the records into `flow` and `out`. False: one is cut short; what stood before it was read.
bool read_sflow_records(base::Cursor& c, Flow& flow, SflowRecords& out);

}  // namespace netflowgen::flow
