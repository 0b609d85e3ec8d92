// What every reader does with a flow before it hands it on, so that the same flows give the same frames by whatever
// road they come; and what a flow is to whoever counts traffic.
//
// Rules. 1. Counters that no link can carry in the flow's time become unknown, both of them: which of the two is wrong
// cannot be told. 2. A record represents no more flows than it has packets. 3. ICMP has no ports; only ICMP has a type.
// 4. A fragment without ports has the ports and TCP flags 0, as routers write them. 5. Where bytes come without a packet,
// the packets were not counted (NSEL in archives) and are unknown. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "flow/record.h"

namespace netflowgen::flow {

// 8 Tbit/s: more than any link, or any bundle of links that is one interface. Packets of 64 octets, as on Ethernet.
inline constexpr double kMaxBytesPerSecond = 1e12;
inline constexpr double kMaxPacketsPerSecond = kMaxBytesPerSecond / 64;
// Added to the flow's duration: times are rounded, and some exporters write a minute's counters with equal times.
inline constexpr double kRateSlackSeconds = 60;
// Of a flow whose duration is not known.
inline constexpr double kUnknownDurationSeconds = 7 * 86400;
// An IP packet has at most 65,535 octets, a jumbogram aside; 64 more for the headers of layer 2. A record without times is
// judged by it up to 2^32 octets only: 32-bit counters that fell below zero.
inline constexpr uint64_t kMaxPacketBytes = 65'599;
// An IPv4 header. Many sources count payload only, so that few bytes a packet are no fault, but not 2^28 times.
inline constexpr uint64_t kMinPacketBytes = 20;
inline constexpr uint64_t kManyPackets = uint64_t{1} << 28;
// Of a record whose packets are not known.
inline constexpr uint32_t kMaxFlowsWithoutPackets = 1u << 20;

// Whether no link can have carried the counters. They are judged as exported, before sampling is undone.
bool impossible_counters(const Flow& flow);

// What settle() put right. Readers count both.
struct SettleCounts {
  uint64_t impossible_counters = 0;  // flows whose counters became unknown
  uint64_t capped_flows = 0;         // records that claim more flows than they have packets
};

// The counts above zero, as FlowSource::notes() has them.
std::vector<std::pair<std::string_view, uint64_t>> notes_of(const SettleCounts& counts);

namespace settle_internal {
void settle_rest(Flow& flow, SettleCounts& counts);
}

// Applies the rules above. REQUIRES: times are settled (start_ms <= end_ms) and ICMP has its type where it is known.
inline void settle(Flow& f, SettleCounts& counts) {
  const bool icmp = f.protocol == kIcmp || f.protocol == kIcmp6;
  const bool usual_counters = f.packets < kManyPackets && f.bytes <= f.packets * kMaxPacketBytes;
  const bool usual_fields = !icmp && f.fragment == 0 && (f.known & kKnownIcmp) == 0;
  if (usual_counters && usual_fields && f.flows == 1) [[likely]]
    return;
  settle_internal::settle_rest(f, counts);
}

enum class FlowRole : uint8_t {
  kTraffic,
  kEvent,   // a log entry (NSEL, NAT): it has an event and no packet or byte
  kRepeat,  // the rest of a flow that was counted before, to which nothing was added since
};
inline FlowRole role_of(const Flow& f) {
  if (((f.known & kKnownEvent) == 0 && f.flows != 0) || (f.bytes | f.packets) != 0) [[likely]]
    return FlowRole::kTraffic;
  return f.has(kKnownEvent) ? FlowRole::kEvent : FlowRole::kRepeat;
}

}  // namespace netflowgen::flow
