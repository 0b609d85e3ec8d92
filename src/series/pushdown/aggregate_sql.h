// The queries by which a server sums flows to the state of each (step, node, direction): the accumulators of
// accumulate/state.cc in SQL, to the bit, sketches included. Pure functions.
//
// Invariant: integer arithmetic and functions alone that ClickHouse has had since 18.16.
#pragma once

#include <cstdint>
#include <string>

#include "series/pushdown/node_sql.h"

namespace netflowgen::series {

// The flows of one slice of time.
struct SliceSql {
  std::string flows;  // ClickHouseTable::flows_sql()
  int64_t step_ms = 0;
  int64_t first_step = 0;  // steps are counted from it
  uint32_t known = 0;      // flow::Known of the table
};

// How the flows of a node know their fields: bit number_of(protocol, counters, addresses) of `kinds` in a row of sums.
enum class KindProtocol : uint8_t {
  kTcp,
  kPorted,
  kOther,
  kCount
};  // kOther also where the protocol is not known
enum class KindCounters : uint8_t { kAsTable, kNone, kBytesOnly, kCount };
constexpr unsigned number_of(KindProtocol p, KindCounters c, bool addresses) {
  return (static_cast<unsigned>(p) * 3 + static_cast<unsigned>(c)) * 2 + (addresses ? 1 : 0);
}

// A row: step UInt32, direction UInt8, node (high UInt64, low UInt64, number UInt32), kinds UInt32, then UInt64 each:
enum class SumColumn : uint8_t {
  kFlows,
  kBytes,
  kPackets,
  kBytesWithoutPackets,
  kTcpPackets,
  kUdpPackets,
  kIcmpPackets,
  kOtherPackets,
  kTcpFlows,
  kUdpFlows,
  kIcmpFlows,
  kOtherFlows,
  kSynFlows,
  kRstFlows,
  kFragmentPackets,
  kFragmentFlows,
  kReflectorBytes,
  kReflectorFlows,
  kPortedFlows,
  kPortedBytes,
  kCount
};
std::string sums_sql(const SliceSql& slice, const NodeRule& rule);

// The sets of a state. A row: step, direction, node; how many distinct keys UInt64; of the sketch's cells that are not empty, where
// there are more than kSmall keys: cells Array(UInt16), counts Array(UInt64), marks Array(UInt32) (a HyperLogLog's rank, a service's
// name); else keys Array(Array(UInt32)) and their counts Array(Array(UInt64)).
enum class SetKind : uint8_t { kPeers, kOwnPorts, kPeerPorts, kServices };
std::string set_sql(const SliceSql& slice, const NodeRule& rule, SetKind kind);

// One row, one UInt64: the flows that belong to a node of any rule.
std::string selected_sql(const SliceSql& slice, const std::vector<NodeRule>& rules);

}  // namespace netflowgen::series
