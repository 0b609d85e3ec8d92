// A flow's part in one step, sampling undone: what the accumulators add. Shared by both of the flow's ends.
#pragma once

#include <cstdint>

#include "flow/record.h"

namespace netflowgen::series {

// What a flow knows, as far as features depend on it: combinations of flow::Known groups.
enum Group : uint16_t {
  kGroupBytes = 1u << 0,
  kGroupPackets = 1u << 1,
  kGroupSize = 1u << 2,  // bytes and packets
  kGroupDuration = 1u << 3,
  kGroupPorts = 1u << 4,
  kGroupProtocol = 1u << 5,
  kGroupTcp = 1u << 6,              // protocol and TCP flags
  kGroupProtocolPackets = 1u << 7,  // protocol and packets
  kGroupService = 1u << 8,          // protocol and ports
  kGroupServicePackets = 1u << 9,
  kGroupServiceBytes = 1u << 10,
  kGroupAddresses = 1u << 11,
};
// With all of these a flow takes no detour through the exceptions of DirectionState.
inline constexpr uint16_t kUsualGroups = 0x07ff;

enum PartBit : uint8_t {
  kPartStarts = 1u << 0,  // the flow starts in this step; never set for the rest of one counted before
  kPartSyn = 1u << 1,     // SYN and no ACK
  kPartRst = 1u << 2,
  kPartFragment = 1u << 3,   // fragments, or both ports zero
  kPartReflector = 1u << 4,  // UDP from an amplification service's port
  kPartTransport = 1u << 5,  // TCP or UDP
  kPartPorted = 1u << 6,     // the protocol has ports, or is not known
};

enum ProtocolClass : uint8_t { kClassTcp, kClassUdp, kClassIcmp, kClassOther, kClassCount };

struct Part {
  uint64_t bytes = 0;
  uint64_t packets = 0;
  uint64_t duration_ms = 0;  // of the whole flow
  uint32_t flows = 1;        // what it counts for in sums and shares by flows
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint16_t service_port = 0;
  uint16_t groups = 0;
  uint8_t protocol_class = kClassOther;
  uint8_t bits = 0;
};

// The whole flow as one part, with kPartStarts unless Flow::flows is 0.
Part part_of(const flow::Flow& flow);

// total * done / all, exact in 128 bits: the share of a flow's total up to `done` of its duration. The parts
// of a flow are differences of it, so they add up to the total to the unit. REQUIRES: done <= all, all > 0.
inline uint64_t share_until(uint64_t total, uint64_t done, uint64_t all) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(total) * done / all);
}

}  // namespace netflowgen::series
