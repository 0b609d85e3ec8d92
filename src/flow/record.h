// One decoded flow record. Every reader and decoder fills this struct, and every later stage reads it.
//
// Invariants: 1. It is plain data and trivially copyable. 2. `known` has a bit for each group of fields that the source gave.
// The fields of a group without its bit are zero, and their values are missing. Missing is never zero. 3. Counters are as they
// were exported. One packet in `sampling` was counted; `sampling` is never 0. 4. Times are UTC in milliseconds. start_ms is at
// most end_ms.
#pragma once

#include <cstdint>

#include "base/ip.h"
#include "base/time.h"

namespace netflowgen::flow {

using base::IpAddr;
using base::TimeMs;

// Bits of Flow::known, one for each group of fields. A source gives all fields of a group or none.
enum Known : uint32_t {
  kKnownBytes = 1u << 0,
  kKnownPackets = 1u << 1,
  kKnownPorts = 1u << 2,
  kKnownProtocol = 1u << 3,
  kKnownTcpFlags = 1u << 4,
  kKnownDuration = 1u << 5,  // the source gave end_ms; else it is start_ms
  kKnownInterfaces = 1u << 6,
  kKnownAs = 1u << 7,
  kKnownFragment = 1u << 8,  // the source gave `fragment`
  kKnownSampling = 1u << 9,  // the exporter announced `sampling`; else it is an option's, or 1
  kKnownTos = 1u << 10,
  kKnownNat = 1u << 11,
  kKnownVlan = 1u << 12,
  kKnownMpls = 1u << 13,
  kKnownMasks = 1u << 14,
  kKnownIcmp = 1u << 15,
  kKnownNextHop = 1u << 16,
  kKnownAddresses = 1u << 17,  // src and dst
  kKnownEvent = 1u << 18,      // an event of a firewall or NAT (NSEL, NEL)
  kKnownVrf = 1u << 19,
  kKnownMac = 1u << 20,
  kKnownDirection = 1u << 21,
  kKnownTtl = 1u << 22,
};

struct Flow {
  TimeMs start_ms = 0;
  TimeMs end_ms = 0;
  TimeMs received_ms = 0;  // when the collector received the record; end_ms where a file was read
  IpAddr src;
  IpAddr dst;
  IpAddr exporter;
  IpAddr next_hop;
  IpAddr nat_src;  // source address after translation
  IpAddr nat_dst;
  uint64_t bytes = 0;
  uint64_t packets = 0;
  uint32_t sampling = 1;  // N of one packet in N
  uint32_t flows = 1;     // how many flows the record is the sum of; 0: the rest of an earlier record's
  uint32_t known = 0;
  uint32_t domain = 0;  // observation domain, source id, engine or sub-agent of sFlow
  uint32_t in_if = 0;
  uint32_t out_if = 0;
  uint32_t src_as = 0;
  uint32_t dst_as = 0;
  uint32_t vrf_in = 0;
  uint32_t vrf_out = 0;
  uint32_t mpls_label = 0;  // the top label, 20 bits
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint16_t nat_src_port = 0;
  uint16_t nat_dst_port = 0;
  uint16_t vlan_in = 0;
  uint16_t vlan_out = 0;
  uint16_t icmp_type_code = 0;  // type * 256 + code
  uint16_t event = 0;           // firewallEvent (NSEL) or natEvent (NEL)
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;  // bitwise OR over the flow's packets
  uint8_t tos = 0;
  uint8_t ttl = 0;
  uint8_t src_mask = 0;
  uint8_t dst_mask = 0;
  uint8_t direction = 0;  // IPFIX element 61: 0 ingress, 1 egress
  uint8_t fragment = 0;   // 1: the packets are fragments
  uint8_t version = 0;    // 1, 5, 7, 9, 10 (IPFIX) or 105 (sFlow v5); 0: the record is of a file
  uint8_t src_mac[6] = {};
  uint8_t dst_mac[6] = {};

  bool has(uint32_t groups) const { return (known & groups) == groups; }
};

enum TcpFlag : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32 };
enum Protocol : uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17, kGre = 47, kIcmp6 = 58 };

}  // namespace netflowgen::flow
