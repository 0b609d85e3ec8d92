#include "series/accumulate/part.h"

#include <algorithm>
#include <array>

#include "series/ports.h"
#include "series/sketch.h"

namespace netflowgen::series {
namespace {

constexpr uint32_t kLowGroups = 0x3f;  // bytes, packets, ports, protocol, TCP flags, duration

constexpr std::array<uint16_t, kLowGroups + 1> make_groups() {
  std::array<uint16_t, kLowGroups + 1> table{};
  for (uint32_t known = 0; known <= kLowGroups; ++known) {
    const auto has = [known](uint32_t groups) { return (known & groups) == groups; };
    unsigned g = 0;
    if (has(flow::kKnownBytes)) g |= kGroupBytes;
    if (has(flow::kKnownPackets)) g |= kGroupPackets;
    if (has(flow::kKnownBytes | flow::kKnownPackets)) g |= kGroupSize;
    if (has(flow::kKnownDuration)) g |= kGroupDuration;
    if (has(flow::kKnownPorts)) g |= kGroupPorts;
    if (has(flow::kKnownProtocol)) g |= kGroupProtocol;
    if (has(flow::kKnownProtocol | flow::kKnownTcpFlags)) g |= kGroupTcp;
    if (has(flow::kKnownProtocol | flow::kKnownPackets)) g |= kGroupProtocolPackets;
    if (has(flow::kKnownProtocol | flow::kKnownPorts)) g |= kGroupService;
    if (has(flow::kKnownProtocol | flow::kKnownPorts | flow::kKnownPackets)) g |= kGroupServicePackets;
    if (has(flow::kKnownProtocol | flow::kKnownPorts | flow::kKnownBytes)) g |= kGroupServiceBytes;
    table[known] = static_cast<uint16_t>(g);
  }
  return table;
}
constexpr auto kGroups = make_groups();

uint8_t class_of(uint8_t protocol) {
  switch (protocol) {
    case flow::kTcp:
      return kClassTcp;
    case flow::kUdp:
      return kClassUdp;
    case flow::kIcmp:
    case flow::kIcmp6:
      return kClassIcmp;
    default:
      return kClassOther;
  }
}

bool has_ports(uint8_t protocol) {
  constexpr uint8_t kDccp = 33;
  constexpr uint8_t kSctp = 132;
  constexpr uint8_t kUdpLite = 136;
  return protocol == flow::kTcp || protocol == flow::kUdp || protocol == kSctp || protocol == kDccp ||
         protocol == kUdpLite;
}

// What is known of a flow, or is no question: a protocol without ports has none, only TCP has flags. So a frame does
// not depend on whether a source writes zeros or nothing there.
uint32_t knowable(const flow::Flow& f) {
  uint32_t known = f.known;
  if (!f.has(flow::kKnownProtocol)) return known;
  if (!has_ports(f.protocol)) known |= flow::kKnownPorts;
  if (f.protocol != flow::kTcp) known |= flow::kKnownTcpFlags;
  return known;
}

// The bits that follow from protocol, ports and flags.
unsigned bits_of(const flow::Flow& f, const Part& p) {
  unsigned bits = f.flows != 0 ? unsigned{kPartStarts} : 0u;
  const bool protocol_known = (p.groups & kGroupProtocol) != 0;
  if (!protocol_known || has_ports(f.protocol)) bits |= kPartPorted;
  if (!protocol_known) return bits;
  if (f.protocol == flow::kTcp || f.protocol == flow::kUdp) {
    bits |= kPartTransport;
    if ((f.has(flow::kKnownFragment) && f.fragment != 0) || (f.src_port | f.dst_port) == 0)
      bits |= kPartFragment;
  }
  if ((f.tcp_flags & (flow::kSyn | flow::kAck)) == flow::kSyn) bits |= kPartSyn;
  if ((f.tcp_flags & flow::kRst) != 0) bits |= kPartRst;
  if (f.protocol == flow::kUdp && kPorts[f.src_port].reflector()) bits |= kPartReflector;
  return bits;
}

}  // namespace

Part part_of(const flow::Flow& f) {
  Part p;
  p.groups = kGroups[knowable(f) & kLowGroups];
  p.flows = std::max(f.flows, 1u);
  if (f.has(flow::kKnownAddresses)) p.groups |= kGroupAddresses;
  const uint64_t sampling = f.sampling == 0 ? 1 : f.sampling;
  if ((p.groups & kGroupBytes) != 0) p.bytes = saturating_multiply(f.bytes, sampling);
  if ((p.groups & kGroupPackets) != 0) p.packets = saturating_multiply(f.packets, sampling);
  if (f.end_ms > f.start_ms)
    p.duration_ms = static_cast<uint64_t>(f.end_ms) - static_cast<uint64_t>(f.start_ms);
  p.src_port = f.src_port;
  p.dst_port = f.dst_port;
  p.service_port = service_port(f.src_port, f.dst_port);
  p.protocol_class = class_of(f.protocol);
  p.bits = static_cast<uint8_t>(bits_of(f, p));
  return p;
}

}  // namespace netflowgen::series
