// One nfcapd record -> one Flow, or two where it counts both directions, for both layouts and both byte orders.
// Holds what records refer to: exporters and, in layout 1, extension maps. Used by NfcapdSource alone; one a
// thread.
//
// Invariants: 1. A record is decoded only when every length in it fits in the record. 2. State grows with the
// file's own records and is bounded: 65536 exporters, 65536 maps of at most kMaxExtensions numbers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/cursor.h"
#include "flow/nfcapd/format.h"
#include "flow/record.h"
#include "flow/running_totals.h"

namespace netflowgen::flow::nfcapd {

// Groups of fields that every nfcapd flow has.
inline constexpr uint32_t kAlwaysKnown = kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol |
                                         kKnownTcpFlags | kKnownDuration | kKnownTos | kKnownAddresses;

// What became of a record.
enum class Outcome : uint8_t {
  kFlow,
  kFlowAndReply,
  kFlowNoMap,  // layout 1: a flow whose extension map has not come; its optional fields are missing
  kControl,    // exporter, sampler, map, statistics: taken in, not a flow
  kBadSize,    // a length in it does not fit
  kNoFlow,     // a V3 record without the generic element
  kUnknown,    // a record type of another nfdump
};

// Gives a flow without times that of its event or of its receipt, and orders its times. ICMP has a type and a
// code, and no ports.
void settle_times(TimeMs event_ms, Flow& flow);

// What a record counts beside its own packets and bytes: nfdump's extension "flows, out packets, out bytes".
struct OutCounters {
  bool given = false;  // any of the next three
  uint64_t flows = 0;  // 0: not given
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint8_t tcp_flags = 0;  // of the other direction; 0: not given
  uint8_t tos = 0;
  bool has_tos = false;
};
// Puts them into `flow`, or into `reply` where they are of the other direction; docs/formats.md, "Out
// counters of nfdump", has the rule. REQUIRES: the times are settled. False: there is no reply.
bool settle_counters(const OutCounters& out, Flow& flow, Flow& reply);

class RecordDecoder {
 public:
  // Forgets exporters and maps: they are numbered per file.
  void reset(bool swapped);
  // `reply` is written with kFlowAndReply only. REQUIRES: record.size() >= 4 and equal to the record's own size
  // field.
  Outcome decode(base::Bytes record, Flow& flow, Flow& reply) {
    return swapped_ ? decode_as<true>(record, flow, reply) : decode_as<false>(record, flow, reply);
  }
  // Whether a V3 record could start here: its elements add up to its size. For finding the way after damage.
  bool plausible_v3(base::Bytes bytes) const {
    return swapped_ ? plausible_as<true>(bytes) : plausible_as<false>(bytes);
  }
  uint32_t known() const { return known_; }  // of all flows since construction
  uint64_t exporters() const { return exporter_records_; }
  uint64_t samplers() const { return sampler_records_; }
  // NSEL connections whose updates were forgotten to make room: their teardowns count whole.
  uint64_t forgotten_connections() const { return connections_ ? connections_->evicted() : 0; }

 private:
  static constexpr size_t kMaxExtensions = 64;
  static constexpr size_t kMaxConnections = 131'072;
  struct Exporter {
    IpAddr address;
    uint32_t domain = 0;
    uint8_t version = 0;
    bool set = false;
  };
  struct Map {
    std::vector<uint16_t> extensions;
  };

  template <bool kSwap>
  Outcome decode_as(base::Bytes record, Flow& flow, Flow& reply);
  template <bool kSwap>
  bool plausible_as(base::Bytes bytes) const;
  template <bool kSwap>
  Outcome decode_v3(base::Bytes record, Flow& flow, Flow& reply);
  template <bool kSwap>
  Outcome decode_common(base::Bytes record, bool wide_exporter, Flow& flow, Flow& reply);
  template <bool kSwap>
  Outcome add_exporter(base::Bytes record);
  template <bool kSwap>
  Outcome add_map(base::Bytes record);
  void apply_exporter(uint16_t id, Flow& flow) const;
  Outcome finish(const OutCounters& out, uint32_t connection, Flow& flow, Flow& reply);

  bool swapped_ = false;
  uint32_t known_ = 0;
  uint64_t exporter_records_ = 0;
  uint64_t sampler_records_ = 0;
  std::vector<Exporter> exporters_;  // by number
  std::unordered_map<uint16_t, Map> maps_;
  std::unique_ptr<RunningTotals> connections_;  // made for the first record of one
};

}  // namespace netflowgen::flow::nfcapd
