#include "flow/ipfix/elements.h"

#include <algorithm>
#include <iterator>

#include "flow/record.h"

namespace netflowgen::flow {
namespace {

using enum Target;
using enum Convert;

constexpr InfoElement kElements[] = {
    {1, kBytes, kUint, 1, kKnownBytes},                        // octetDeltaCount
    {2, kPackets, kUint, 1, kKnownPackets},                    // packetDeltaCount
    {3, kFlowCount, kCount32, 0, 0},                           // deltaFlowCount; v9: FLOWS
    {4, kProtocolField, kUint, 0, kKnownProtocol},             // protocolIdentifier
    {5, kTosField, kUint, 0, kKnownTos},                       // ipClassOfService
    {6, kTcpFlagsField, kUint, 0, kKnownTcpFlags},             // tcpControlBits, 1 or 2 octets
    {7, kSrcPort, kUint, 0, kKnownPorts},                      // sourceTransportPort
    {8, kSrc, kIpv4, 0, 0},                                    // sourceIPv4Address
    {9, kSrcMask, kUint, 0, kKnownMasks},                      // sourceIPv4PrefixLength
    {10, kInIf, kUint, 0, kKnownInterfaces},                   // ingressInterface
    {11, kDstPort, kUint, 0, kKnownPorts},                     // destinationTransportPort
    {12, kDst, kIpv4, 0, 0},                                   // destinationIPv4Address
    {13, kDstMask, kUint, 0, kKnownMasks},                     // destinationIPv4PrefixLength
    {14, kOutIf, kUint, 0, kKnownInterfaces},                  // egressInterface
    {15, kNextHop, kIpv4, 0, kKnownNextHop},                   // ipNextHopIPv4Address
    {16, kSrcAs, kUint, 0, kKnownAs},                          // bgpSourceAsNumber
    {17, kDstAs, kUint, 0, kKnownAs},                          // bgpDestinationAsNumber
    {18, kNextHop, kIpv4, 1, kKnownNextHop},                   // bgpNextHopIPv4Address
    {21, kEnd, kTimeUptime, 4, 0},                             // flowEndSysUpTime
    {22, kStart, kTimeUptime, 4, 0},                           // flowStartSysUpTime
    {23, kBytes, kUint, 4, kKnownBytes},                       // postOctetDeltaCount
    {24, kPackets, kUint, 4, kKnownPackets},                   // postPacketDeltaCount
    {27, kSrc, kIpv6, 0, 0},                                   // sourceIPv6Address
    {28, kDst, kIpv6, 0, 0},                                   // destinationIPv6Address
    {29, kSrcMask, kUint, 0, kKnownMasks},                     // sourceIPv6PrefixLength
    {30, kDstMask, kUint, 0, kKnownMasks},                     // destinationIPv6PrefixLength
    {32, kIcmpTypeCode, kUint, 0, kKnownIcmp},                 // icmpTypeCodeIPv4
    {44, kSrc, kIpv4, 1, 0},                                   // sourceIPv4Prefix
    {45, kDst, kIpv4, 1, 0},                                   // destinationIPv4Prefix
    {52, kTtlField, kUint, 1, kKnownTtl},                      // minimumTTL
    {56, kSrcMac, kMac, 0, kKnownMac},                         // sourceMacAddress
    {57, kDstMac, kMac, 1, kKnownMac},                         // postDestinationMacAddress
    {58, kVlanIn, kUint, 0, kKnownVlan},                       // vlanId
    {59, kVlanOut, kUint, 0, kKnownVlan},                      // postVlanId
    {61, kDirectionField, kUint, 0, kKnownDirection},          // flowDirection
    {62, kNextHop, kIpv6, 0, kKnownNextHop},                   // ipNextHopIPv6Address
    {63, kNextHop, kIpv6, 1, kKnownNextHop},                   // bgpNextHopIPv6Address
    {70, kMplsLabelField, kMplsLabel, 0, kKnownMpls},          // mplsTopLabelStackSection
    {80, kDstMac, kMac, 0, kKnownMac},                         // destinationMacAddress
    {81, kSrcMac, kMac, 1, kKnownMac},                         // postSourceMacAddress
    {88, kFragmentField, kNonZero, 0, kKnownFragment},         // fragmentOffset
    {139, kIcmpTypeCode, kUint, 0, kKnownIcmp},                // icmpTypeCodeIPv6
    {150, kStart, kTimeSeconds, 3, 0},                         // flowStartSeconds
    {151, kEnd, kTimeSeconds, 3, 0},                           // flowEndSeconds
    {152, kStart, kTimeMs, 0, 0},                              // flowStartMilliseconds
    {153, kEnd, kTimeMs, 0, 0},                                // flowEndMilliseconds
    {154, kStart, kTimeNtp, 1, 0},                             // flowStartMicroseconds
    {155, kEnd, kTimeNtp, 1, 0},                               // flowEndMicroseconds
    {156, kStart, kTimeNtp, 2, 0},                             // flowStartNanoseconds
    {157, kEnd, kTimeNtp, 2, 0},                               // flowEndNanoseconds
    {158, kStart, kTimeDeltaMicros, 5, 0},                     // flowStartDeltaMicroseconds
    {159, kEnd, kTimeDeltaMicros, 5, 0},                       // flowEndDeltaMicroseconds
    {169, kDst, kIpv6, 1, 0},                                  // destinationIPv6Prefix
    {170, kSrc, kIpv6, 1, 0},                                  // sourceIPv6Prefix
    {176, kIcmpTypeCode, kHighByte, 1, kKnownIcmp},            // icmpTypeIPv4
    {177, kIcmpTypeCode, kLowByte, 1, kKnownIcmp},             // icmpCodeIPv4
    {178, kIcmpTypeCode, kHighByte, 1, kKnownIcmp},            // icmpTypeIPv6
    {179, kIcmpTypeCode, kLowByte, 1, kKnownIcmp},             // icmpCodeIPv6
    {180, kSrcPort, kUint, 1, kKnownPorts},                    // udpSourcePort
    {181, kDstPort, kUint, 1, kKnownPorts},                    // udpDestinationPort
    {182, kSrcPort, kUint, 2, kKnownPorts},                    // tcpSourcePort
    {183, kDstPort, kUint, 2, kKnownPorts},                    // tcpDestinationPort
    {192, kTtlField, kUint, 0, kKnownTtl},                     // ipTTL
    {197, kFragmentField, kMoreFragments, 1, kKnownFragment},  // fragmentFlags
    {225, kNatSrc, kIpv4, 0, kKnownNat},                       // postNATSourceIPv4Address
    {226, kNatDst, kIpv4, 0, kKnownNat},                       // postNATDestinationIPv4Address
    {227, kNatSrcPort, kUint, 0, kKnownNat},                   // postNAPTSourceTransportPort
    {228, kNatDstPort, kUint, 0, kKnownNat},                   // postNAPTDestinationTransportPort
    {230, kEventField, kUint, 2, kKnownEvent},                 // natEvent
    {231, kBytes, kUint, 2, kKnownBytes},                      // initiatorOctets
    {233, kEventField, kUint, 0, kKnownEvent},                 // firewallEvent
    {234, kVrfIn, kUint, 0, kKnownVrf},                        // ingressVRFID
    {235, kVrfOut, kUint, 0, kKnownVrf},                       // egressVRFID
    {243, kVlanIn, kUint, 1, kKnownVlan},                      // dot1qVlanId
    {252, kInIf, kUint, 1, kKnownInterfaces},                  // ingressPhysicalInterface
    {253, kOutIf, kUint, 1, kKnownInterfaces},                 // egressPhysicalInterface
    {254, kVlanOut, kUint, 1, kKnownVlan},                     // postDot1qVlanId
    {281, kNatSrc, kIpv6, 0, kKnownNat},                       // postNATSourceIPv6Address
    {282, kNatDst, kIpv6, 0, kKnownNat},                       // postNATDestinationIPv6Address
    {298, kPackets, kUint, 2, kKnownPackets},                  // initiatorPackets
    {322, kStart, kTimeSeconds, 9, 0},                         // observationTimeSeconds
    {322, kEnd, kTimeSeconds, 9, 0},
    {323, kStart, kTimeMs, 6, 0},  // observationTimeMilliseconds
    {323, kEnd, kTimeMs, 6, 0},
    {324, kStart, kTimeNtp, 7, 0},  // observationTimeMicroseconds
    {324, kEnd, kTimeNtp, 7, 0},
    {325, kStart, kTimeNtp, 8, 0},  // observationTimeNanoseconds
    {325, kEnd, kTimeNtp, 8, 0},
    {352, kBytes, kUint, 5, kKnownBytes},                 // layer2OctetDeltaCount
    {375, kFlowCount, kCount32, 2, 0},                    // originalFlowsPresent (RFC 7015)
    {376, kFlowCount, kCount32, 1, 0},                    // originalFlowsInitiated
    {466, kEventField, kQuotaEvent, 3, kKnownEvent},      // natQuotaExceededEvent (RFC 8158)
    {467, kEventField, kThresholdEvent, 4, kKnownEvent},  // natThresholdEvent
    {40001, kNatSrc, kIpv4, 1, kKnownNat},                // ASA: NF_F_XLATE_SRC_ADDR_IPV4
    {40002, kNatDst, kIpv4, 1, kKnownNat},                // ASA: NF_F_XLATE_DST_ADDR_IPV4
    {40003, kNatSrcPort, kUint, 1, kKnownNat},            // ASA: NF_F_XLATE_SRC_PORT
    {40004, kNatDstPort, kUint, 1, kKnownNat},            // ASA: NF_F_XLATE_DST_PORT
    {40005, kEventField, kUint, 1, kKnownEvent},          // ASA: NF_F_FW_EVENT
};
static_assert(std::ranges::is_sorted(kElements, {}, &InfoElement::id));

constexpr TargetField kTargets[] = {
    {offsetof(Flow, src), 16},     {offsetof(Flow, dst), 16},         {offsetof(Flow, next_hop), 16},
    {offsetof(Flow, nat_src), 16}, {offsetof(Flow, nat_dst), 16},     {offsetof(Flow, bytes), 8},
    {offsetof(Flow, packets), 8},  {offsetof(Flow, in_if), 4},        {offsetof(Flow, out_if), 4},
    {offsetof(Flow, src_as), 4},   {offsetof(Flow, dst_as), 4},       {offsetof(Flow, vrf_in), 4},
    {offsetof(Flow, vrf_out), 4},  {offsetof(Flow, mpls_label), 4},   {offsetof(Flow, src_port), 2},
    {offsetof(Flow, dst_port), 2}, {offsetof(Flow, nat_src_port), 2}, {offsetof(Flow, nat_dst_port), 2},
    {offsetof(Flow, vlan_in), 2},  {offsetof(Flow, vlan_out), 2},     {offsetof(Flow, icmp_type_code), 2},
    {offsetof(Flow, event), 2},    {offsetof(Flow, protocol), 1},     {offsetof(Flow, tcp_flags), 1},
    {offsetof(Flow, tos), 1},      {offsetof(Flow, ttl), 1},          {offsetof(Flow, src_mask), 1},
    {offsetof(Flow, dst_mask), 1}, {offsetof(Flow, direction), 1},    {offsetof(Flow, fragment), 1},
    {offsetof(Flow, src_mac), 6},  {offsetof(Flow, dst_mac), 6},      {offsetof(Flow, start_ms), 8},
    {offsetof(Flow, end_ms), 8},   {offsetof(Flow, flows), 4},
};
static_assert(std::size(kTargets) == static_cast<size_t>(Target::kCount));

}  // namespace

std::span<const InfoElement> elements() { return kElements; }

std::span<const InfoElement> elements_of(uint16_t id) {
  // Not equal_range: its subrange does not compile with Debian's clang 14 and libstdc++ 12.
  const auto first = std::ranges::lower_bound(kElements, id, {}, &InfoElement::id);
  return {first, std::ranges::upper_bound(first, std::end(kElements), id, {}, &InfoElement::id)};
}

TargetField target_field(Target target) { return kTargets[static_cast<size_t>(target)]; }

bool fits(Convert convert, uint16_t length) {
  switch (convert) {
    case kIpv4:
      return length == 4;
    case kIpv6:
      return length == 16;
    case kMac:
      return length == 6;
    case kMplsLabel:
      return length >= 3;
    case kTimeNtp:
      return length == 8;
    default:
      return length >= 1 && length <= 8;
  }
}

}  // namespace netflowgen::flow
