// A template compiled: what to copy from where in a record to where in a Flow, decided once when the template
// arrives. A set of fixed-length records is then decoded operation by operation over all of its records, so
// that the choice of the operation is made once a set, not once a field (bench/decode.cc).
//
// Immutable after compile(); any thread. reference_reader.cc is the reference implementation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cursor.h"
#include "flow/decode_options.h"
#include "flow/ipfix/elements.h"
#include "flow/ipfix/template.h"
#include "flow/packet/packet.h"
#include "flow/record.h"

namespace netflowgen::flow {

// The place of a field in a record. Fixed-length fields lie in runs between variable ones: `part` is the
// run's number, or the variable field's.
struct FieldRef {
  uint16_t part = 0;
  uint16_t offset = 0;
  uint16_t length = 0;  // 0: the template has no such field
  bool variable = false;

  explicit operator bool() const { return length != 0; }
};

struct CopyOp {
  Convert convert = Convert::kUint;
  uint8_t target_size = 0;
  bool only_if_zero = false;  // the target still has no value
  bool sole = true;           // no other op has this target: 0.0.0.0 is an address, not a missing one
  uint16_t target = 0;        // offset in Flow
  FieldRef from;
  FieldRef other;  // kTimeUptime: the flow's other time, 21 for 22 and 22 for 21
};

// What a record's counters are, where they are not simply what was added since the last record of the flow.
enum class RunningKind : uint8_t {
  kNone,
  kTotal,       // there are totals: octetTotalCount and its like
  kConnection,  // NSEL: the counters of an update are increments, those of a teardown totals
};

// How exporters say what share of packets they look at, within the record.
struct SamplingFields {
  FieldRef interval;         // 34 samplingInterval
  FieldRef random_interval;  // 50 samplerRandomInterval
  FieldRef packet_interval;  // 305
  FieldRef packet_space;     // 306
  FieldRef size;             // 309
  FieldRef population;       // 310
  FieldRef probability;      // 311, float64
  FieldRef sampler_id;       // 48
  FieldRef selector_id;      // 302
  bool any = false;
};

struct TemplatePlan {
  uint32_t known = 0;
  uint16_t record_length = 0;  // fixed-length records; 0: variable
  uint32_t min_length = 0;
  bool inner = false;  // compiled for TunnelKeys::kInner
  std::vector<CopyOp> ops;

  // Reverse direction: elements of RFC 5103, or responder counters.
  std::vector<CopyOp> reverse_ops;
  std::vector<TargetField> reverse_clears;  // what they fill, zeroed first
  uint32_t reverse_known = 0;
  bool has_reverse = false;
  bool counts_flows = false;  // a zero there is one flow
  bool reverse_counts_flows = false;
  // Counters beside the initiator's and the responder's: used where both of these are zero.
  std::vector<CopyOp> fallback_ops;

  RunningKind running = RunningKind::kNone;
  FieldRef flow_id;              // 148
  FieldRef total_bytes;          // 85, 171, 353: the first that is there
  FieldRef total_packets;        // 86, 172
  FieldRef reverse_total_bytes;  // the same of RFC 5103
  FieldRef reverse_total_packets;

  FieldRef boot;            // 160 systemInitTimeMilliseconds
  FieldRef first_switched;  // 22
  FieldRef last_switched;   // 21, the reference of 22 where no field has the time of the exporter's boot
  FieldRef duration_ms;     // 161
  FieldRef duration_us;     // 162
  SamplingFields sampling;

  FieldRef section;  // a piece of the packet itself
  PacketLink section_link = PacketLink::kEthernet;
  FieldRef section_size;  // 312 dataLinkFrameSize

  bool uses_uptime() const { return first_switched || last_switched; }
  // Something is to be looked at in each record apart from the ops.
  bool has_extras() const { return sampling.any || section || duration_ms || duration_us; }

  // Lengths of the runs between variable fields, one more than there are variable fields.
  std::vector<uint16_t> runs;

  size_t memory_bytes() const {
    return sizeof(TemplatePlan) +
           (ops.capacity() + reverse_ops.capacity() + fallback_ops.capacity()) * sizeof(CopyOp) +
           reverse_clears.capacity() * sizeof(TargetField) + runs.capacity() * sizeof(uint16_t);
  }
};

TemplatePlan compile(const TemplateRecord& record, TunnelKeys tunnel_keys);

// The parts of one record, found by walking it (once where lengths are fixed).
class RecordParts {
 public:
  // Fixed: `bytes` is the record. Variable: walks from the start of `bytes`. False: it is cut short.
  bool walk(const TemplatePlan& plan, base::Bytes bytes);
  size_t size() const { return size_; }  // octets of the record
  // The next record. REQUIRES: fixed lengths, and that it is there.
  void step() { runs_[0] += size_; }

  base::Bytes field(const FieldRef& ref) const {
    if (ref.variable) return variables_[ref.part];
    return {runs_[ref.part] + ref.offset, ref.length};
  }
  uint64_t uint(const FieldRef& ref) const;  // 0 where it cannot be one

 private:
  size_t size_ = 0;
  std::vector<const uint8_t*> runs_;
  std::vector<base::Bytes> variables_;
};

// What the message says about time.
struct TimeBase {
  TimeMs export_ms = 0;
  bool has_uptime = false;
  uint32_t uptime_ms = 0;  // of the exporter at export time, by the header
  TimeMs boot_ms = 0;      // IPFIX: systemInitTimeMilliseconds by options; 0: not known
};

inline constexpr uint64_t kYear10000Ms = 253'402'300'800'000;
constexpr bool plausible_ms(uint64_t v) { return v < kYear10000Ms; }
// As if the header had given the uptime, by the time of boot.
inline TimeBase with_boot(TimeBase base, TimeMs boot_ms) {
  base.has_uptime = true;
  base.uptime_ms = static_cast<uint32_t>(base.export_ms - boot_ms);
  return base;
}

// An exporter's uptime counter value as a time. The counter wraps after 49.7 days: the value is taken for at
// most one hour ahead of the export, else for before it.
TimeMs from_uptime(const TimeBase& base, uint32_t uptime_ms);

// As from_uptime(), for one of a flow's two times, FIRST_SWITCHED (`start`) or LAST_SWITCHED. RFC 3954: 0 is the moment of
// boot, and so a time. It is no time (result 0) where both are 0. Nor is a last time of 0 behind a first one, unless the
// counter has just wrapped.
TimeMs from_switched(const TimeBase& base, uint32_t uptime_ms, uint32_t other, bool start);

// Runs all ops over `flows.size()` records that start at parts' record, each `stride` octets after the other.
void run_ops(std::span<const CopyOp> ops, const RecordParts& parts, size_t stride, const TimeBase& base,
             std::span<Flow> flows);

}  // namespace netflowgen::flow
