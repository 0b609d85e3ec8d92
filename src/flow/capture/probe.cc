#include "flow/capture/probe.h"

#include <algorithm>
#include <array>
#include <cstdlib>

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

bool at_collector(const Datagram& d) {
  return std::find(kCollectorPorts.begin(), kCollectorPorts.end(), d.dst_port) != kCollectorPorts.end();
}

// The export time in the header (seconds; v1 to v9 at octet 8, IPFIX at octet 4) is within a day of the receipt.
bool is_timely(base::Bytes p, TimeMs received_ms) {
  const uint16_t version = base::load_be16(p.data());
  const size_t at = version == 10 ? 4 : 8;
  if (version == 0 || p.size() < at + 4 || received_ms == 0) return false;
  return std::abs(int64_t{base::load_be32(p.data() + at)} * 1000 - received_ms) <= base::kDayMs;
}

// NetFlow v1, v5, v7: a header and as many records as it announces.
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

bool is_export(const Datagram& d) {
  const base::Bytes p = d.payload;
  if (!is_message(p)) return false;
  if (at_collector(d) || is_timely(p, d.received_ms)) return true;
  switch (base::load_be16(p.data())) {
    case 0:
      return is_sflow(p);
    case 9:
      return is_v9(p);
    case 10:
      return p.size() >= 16 && base::load_be16(p.data() + 2) == p.size();
    default:
      return is_legacy(p);
  }
}

Probe probe_for_export(CaptureFiles& files) {
  Probe probe;
  Packet packet;
  UdpExtractor extract;
  uint64_t at_collectors = 0;
  while (!probe.exports && probe.packets < kProbePackets && files.kept_bytes() < kProbeBytes &&
         files.look_ahead(packet)) {
    ++probe.packets;
    Datagram datagram;
    if (!extract.extract(packet, datagram)) continue;
    probe.exports = is_export(datagram);
    at_collectors += at_collector(datagram) ? 1u : 0u;
  }
  const auto& seen = extract.ledger();
  probe.ip_packets = seen.in() - seen.dropped(ExtractDrop::kLinkType) - seen.dropped(ExtractDrop::kNotIp) -
                     seen.dropped(ExtractDrop::kBadHeader);
  probe.exports = probe.exports || (at_collectors > 0 && at_collectors == probe.ip_packets);
  return probe;
}

}  // namespace netflowgen::flow
