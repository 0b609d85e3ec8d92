// The other direction of a record that counts both, and ICMP's types.
#pragma once

#include <cstdint>
#include <optional>

#include "flow/record.h"

namespace netflowgen::flow {

// The type of the ICMP message that answers one of `type`, or that it answers (RFC 792, RFC 950, RFC 4443,
// RFC 4861, RFC 6275). nullopt: a message that has no counterpart, or `protocol` is no ICMP.
std::optional<uint8_t> icmp_counterpart(uint8_t protocol, uint8_t type);

// type * 256 + code of an ICMP record that has no field for it: most put that into the destination port, and the source
// port is 0; fprobe puts the type into the source port and the code into the destination port (docs/exporters.md).
inline uint16_t icmp_of_ports(uint16_t src_port, uint16_t dst_port) {
  const bool apart = src_port != 0 && src_port < 256 && dst_port < 256;
  return apart ? static_cast<uint16_t>(src_port << 8 | dst_port) : dst_port;
}

// `flow` with source and destination exchanged and the same times. What only the first direction states
// (counters, TCP flags, type of service, TTL, fragments, next hop, MPLS label, direction) is not known. An ICMP
// type becomes its counterpart with code 0, and is not known where there is none.
Flow reversed(const Flow& flow);
void reverse(Flow& flow);  // the same in place

}  // namespace netflowgen::flow
