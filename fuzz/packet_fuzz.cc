// Headers of a sampled packet, whatever link layer it is said to have; what is found depends on the bytes alone, and
// offsets lie within them.
#include <cstdint>

#include "flow/packet/packet.h"
#include "fuzz/datagrams.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace netflowgen;
  using flow::PacketLink;
  for (const auto link : {PacketLink::kEthernet, PacketLink::kIp, PacketLink::kMpls, PacketLink::kPpp}) {
    const flow::PacketHeaders h = flow::parse_packet({data, size}, link);
    fuzz::require(h.ip_layers >= 0 && h.ip_layers <= flow::PacketHeaders::kMaxLayers);
    if (h.ip_layers == 0) continue;
    fuzz::require(h.outer.payload_at <= size && h.inner.payload_at <= size);
    fuzz::require(h.mpls_label < 1u << 20 && h.vlan < 1u << 12);
    fuzz::require(!(h.outer.has_icmp && h.outer.has_ports));
  }
  return 0;
}
