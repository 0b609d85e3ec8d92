// The headers of one packet, as sampled by sFlow, by IPFIX elements 313 and 315, or captured in a file:
// Ethernet, VLAN, QinQ, MPLS, IPv4, IPv6 with extension headers, TCP, UDP, ICMP, and IP inside GRE, VXLAN,
// Geneve, IP-in-IP. Pure function over the caller's bytes; any thread.
//
// Invariants: 1. What is cut off is missing (its has_ flag is false), never guessed. 2. At most kMaxLayers
// headers are followed, so that no packet costs more than its size justifies.
#pragma once

#include <cstdint>

#include "base/cursor.h"
#include "flow/record.h"

namespace netflowgen::flow {

enum class PacketLink : uint8_t {
  kEthernet,
  kIp,
  kMpls,
  kPpp,
  kEtherType  // the bytes begin with the EtherType itself
};            // kIp: the version is told by the first nibble

// One IP header and what follows it.
struct IpLayer {
  IpAddr src;
  IpAddr dst;
  uint32_t length = 0;  // octets of the IP packet by its own header
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint16_t icmp_type_code = 0;
  uint32_t fragment_id = 0;      // of fragments: the datagram's identification
  uint16_t fragment_offset = 0;  // in octets
  uint16_t at = 0;               // offset in the bytes given of the IP header
  uint16_t payload_at = 0;       // offset in the bytes given of what follows the last header that was read
  uint8_t protocol = 0;          // IPv6: behind the extension headers
  uint8_t tcp_flags = 0;
  uint8_t tos = 0;
  uint8_t ttl = 0;
  bool fragment = false;  // any fragment, the first one included
  bool has_ports = false;
  bool has_flags = false;
  bool has_icmp = false;
};

struct PacketHeaders {
  static constexpr int kMaxLayers = 32;

  IpLayer outer;  // the first IP header
  IpLayer inner;  // the last one, where there are tunnels
  int ip_layers = 0;
  uint16_t ether_type = 0;  // of the first header behind VLAN tags
  uint16_t vlan = 0;        // the outermost tag's id
  uint16_t inner_vlan = 0;  // QinQ: the second one's
  uint32_t mpls_label = 0;  // the top one
  bool has_mac = false;
  bool has_vlan = false;
  bool has_mpls = false;
  uint8_t src_mac[6] = {};
  uint8_t dst_mac[6] = {};
};

PacketHeaders parse_packet(base::Bytes bytes, PacketLink link);

}  // namespace netflowgen::flow
