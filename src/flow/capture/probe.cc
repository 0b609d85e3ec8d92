#include "flow/capture/probe.h"

#include <algorithm>
#include <array>

#include "flow/capture/packet_source.h"
#include "flow/capture/udp_extract.h"

namespace netflowgen::flow {
namespace {

constexpr std::array<uint16_t, 9> kCollectorPorts{2055, 2056, 4432, 4739, 6343, 9555, 9995, 9996, 9997};

// NetFlow v9: sets one after another to the payload's end, at most three octets of padding behind.
bool is_v9(base::Bytes p) {
  constexpr size_t kHeader = 20;
  size_t at = kHeader;
  while (at + 4 <= p.size()) {
    const uint16_t id = base::load_be16(p.data() + at);
    const uint16_t length = base::load_be16(p.data() + at + 2);
    if ((id > 1 && id < 256) || length < 4 || at + length > p.size()) return false;
    at += length;
  }
  return at > kHeader && p.size() - at < 4;
}

// NetFlow v1, v5, v7: a header and as many records as it says.
bool is_legacy(base::Bytes p) {
  const uint16_t version = base::load_be16(p.data());
  const size_t count = base::load_be16(p.data() + 2);
  const size_t header = version == 1 ? 16 : 24;
  const size_t record = version == 5 ? 48 : 52;
  return count > 0 && p.size() == header + count * record;
}

// sFlow version 5: the agent's address, then samples that end where the payload does.
bool is_sflow(base::Bytes p) {
  base::Cursor c(p);
  c.skip(4);
  const uint32_t family = c.u32();
  if (family != 1 && family != 2) return false;
  c.skip((family == 1 ? 4u : 16u) + 12u);
  uint32_t samples = c.u32();
  for (; samples > 0 && c.ok(); --samples) {
    c.skip(4);
    c.skip(c.u32());
  }
  return c.ok() && samples == 0 && c.left() == 0;
}

}  // namespace

bool is_export(base::Bytes payload, uint16_t dst_port, bool cut) {
  if (!is_message(payload)) return false;
  const bool usual =
      std::find(kCollectorPorts.begin(), kCollectorPorts.end(), dst_port) != kCollectorPorts.end();
  if (usual || cut) return usual;
  switch (base::load_be16(payload.data())) {
    case 0:
      return is_sflow(payload);
    case 9:
      return is_v9(payload);
    case 10:
      return payload.size() >= 16 && base::load_be16(payload.data() + 2) == payload.size();
    default:
      return is_legacy(payload);
  }
}

Probe probe_for_export(CaptureFiles& files) {
  Probe probe;
  Packet packet;
  UdpExtractor extract;
  while (!probe.exports && probe.packets < kProbePackets && files.kept_bytes() < kProbeBytes &&
         files.look_ahead(packet)) {
    ++probe.packets;
    Datagram datagram;
    const uint64_t cut = extract.cut_by_capture();
    if (!extract.extract(packet, datagram)) continue;
    probe.exports = is_export(datagram.payload, datagram.dst_port, extract.cut_by_capture() != cut);
  }
  const auto& seen = extract.ledger();
  probe.ip_packets = seen.in() - seen.dropped(ExtractDrop::kLinkType) - seen.dropped(ExtractDrop::kNotIp) -
                     seen.dropped(ExtractDrop::kBadHeader);
  return probe;
}

}  // namespace netflowgen::flow
