#include "flow/settle.h"

#include <algorithm>

namespace netflowgen::flow {
namespace {

void settle_fields(Flow& f) {
  if (!f.has(kKnownProtocol)) return;
  if (f.protocol == kIcmp || f.protocol == kIcmp6) {
    f.known &= ~uint32_t{kKnownPorts};
    f.src_port = f.dst_port = 0;
    return;
  }
  f.known &= ~uint32_t{kKnownIcmp};
  f.icmp_type_code = 0;
  const bool ported = f.protocol == kTcp || f.protocol == kUdp;
  const bool rest = ported && f.has(kKnownFragment) && f.fragment != 0 && !f.has(kKnownPorts);
  if (rest) f.known |= kKnownPorts | kKnownTcpFlags;
}

void settle_flows(Flow& f, SettleCounts& counts) {
  const bool counted = f.has(kKnownPackets) && f.packets > 0;
  const uint64_t most = counted ? f.packets : kMaxFlowsWithoutPackets;
  if (f.flows <= most) return;
  f.flows = static_cast<uint32_t>(most);
  ++counts.capped_flows;
}

}  // namespace

bool impossible_counters(const Flow& f) {
  const bool bytes = f.has(kKnownBytes);
  const bool packets = f.has(kKnownPackets);
  const double seconds = f.has(kKnownDuration)
                             ? static_cast<double>(f.end_ms - f.start_ms) / 1000 + kRateSlackSeconds
                             : kUnknownDurationSeconds;
  if (bytes && static_cast<double>(f.bytes) > kMaxBytesPerSecond * seconds) return true;
  if (packets && static_cast<double>(f.packets) > kMaxPacketsPerSecond * seconds) return true;
  if (!bytes || !packets || f.packets == 0) return false;
  const bool judged = f.has(kKnownDuration) || f.bytes <= UINT32_MAX;
  if (judged && f.bytes / f.packets > kMaxPacketBytes) return true;
  return f.packets >= kManyPackets && f.bytes / kMinPacketBytes < f.packets;
}

std::vector<std::pair<std::string_view, uint64_t>> notes_of(const SettleCounts& counts) {
  std::vector<std::pair<std::string_view, uint64_t>> notes;
  if (counts.impossible_counters != 0) notes.emplace_back("impossible_counters", counts.impossible_counters);
  if (counts.capped_flows != 0) notes.emplace_back("capped_flows", counts.capped_flows);
  return notes;
}

namespace settle_internal {

void settle_rest(Flow& f, SettleCounts& counts) {
  settle_fields(f);
  if (impossible_counters(f)) [[unlikely]] {
    f.known &= ~uint32_t{kKnownBytes | kKnownPackets};
    f.bytes = f.packets = 0;
    f.flows = std::min(f.flows, 1u);
    ++counts.impossible_counters;
  }
  if (f.packets == 0 && f.bytes != 0) f.known &= ~uint32_t{kKnownPackets};
  settle_flows(f, counts);
}

}  // namespace settle_internal
}  // namespace netflowgen::flow
