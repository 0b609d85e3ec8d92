// Numbers of the fields of goflow2's FlowMessage (flow.proto) that become a Flow, and which of them are numbers or octets. Releases
// 1.x have times in seconds and milliseconds, 2.x in nanoseconds.
#pragma once

#include <cstdint>

namespace netflowgen::flow::goflow2 {

enum Number : uint32_t {
  kType = 1,
  kReceivedSeconds = 2,
  kSamplingRate = 3,
  kEndSeconds = 5,
  kSrcAddress = 6,
  kDstAddress = 7,
  kBytes = 9,
  kPackets = 10,
  kSampler = 11,
  kNextHopAddress = 12,
  kSrcAs = 14,
  kDstAs = 15,
  kSrcNet = 16,
  kDstNet = 17,
  kInIf = 18,
  kOutIf = 19,
  kProto = 20,
  kSrcPort = 21,
  kDstPort = 22,
  kIpTos = 23,
  kIpTtl = 25,
  kTcpFlags = 26,
  kSrcMac = 27,
  kDstMac = 28,
  kVlanId = 29,
  kEtype = 30,
  kIcmpType = 31,
  kIcmpCode = 32,
  kSrcVlan = 33,
  kDstVlan = 34,
  kFragmentOffset = 36,
  kStartSeconds = 38,  // 1.x
  kIpFlags = 38,       // 2.x
  kIngressVrf = 39,
  kEgressVrf = 40,
  kFlowDirection = 42,
  kMpls1Label = 56,
  kStartMs = 63,
  kEndMs = 64,
  kDomainId = 70,
  kMplsLabels = 81,
  kReceivedNs = 110,
  kStartNs = 111,
  kEndNs = 112,
};

inline constexpr uint32_t kNumberFields[] = {
    kType,       kReceivedSeconds, kSamplingRate,  kEndSeconds, kBytes,   kPackets,        kSrcAs,
    kDstAs,      kSrcNet,          kDstNet,        kInIf,       kOutIf,   kProto,          kSrcPort,
    kDstPort,    kIpTos,           kIpTtl,         kTcpFlags,   kSrcMac,  kDstMac,         kVlanId,
    kEtype,      kIcmpType,        kIcmpCode,      kSrcVlan,    kDstVlan, kFragmentOffset, kIpFlags,
    kIngressVrf, kEgressVrf,       kFlowDirection, kMpls1Label, kStartMs, kEndMs,          kDomainId,
    kReceivedNs, kStartNs,         kEndNs};
inline constexpr uint32_t kOctetFields[] = {kSrcAddress, kDstAddress, kSampler, kNextHopAddress};
// kMplsLabels is a repeated number.

}  // namespace netflowgen::flow::goflow2
