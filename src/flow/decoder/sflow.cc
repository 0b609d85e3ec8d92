#include "flow/decoder/sflow.h"

#include <cstring>

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::Cursor;

// Flow record formats, enterprise 0.
enum RecordFormat : uint32_t {
  kRawHeader = 1,
  kEthernetFrame = 2,
  kIpv4Data = 3,
  kIpv6Data = 4,
  kExtendedSwitch = 1001,
  kExtendedRouter = 1002,
  kExtendedGateway = 1003,
  kExtendedMpls = 1006,
  kExtendedNat = 1007,
};

std::optional<PacketLink> link_of(uint32_t header_protocol) {
  switch (header_protocol) {
    case 1:
      return PacketLink::kEthernet;
    case 7:
      return PacketLink::kPpp;
    case 11:
    case 12:
      return PacketLink::kIp;
    case 13:
      return PacketLink::kMpls;
    default:
      return std::nullopt;
  }
}

IpAddr read_v4(Cursor& c) { return IpAddr::v4(c.u32()); }
IpAddr read_v6(Cursor& c) {
  IpAddr a;
  if (const Bytes b = c.bytes(16); b.size() == 16) std::memcpy(a.bytes.data(), b.data(), 16);
  return a;
}
// RFC 4506 union: 1 IPv4, 2 IPv6, 0 unknown.
IpAddr read_address(Cursor& c) {
  switch (c.u32()) {
    case 1:
      return read_v4(c);
    case 2:
      return read_v6(c);
    default:
      return {};
  }
}

// The two top bits, or a word of its own in expanded samples, are the format of the value.
struct Interface {
  enum Format : uint32_t { kIfIndex = 0, kDiscarded = 1, kSeveral = 2 };
  uint32_t format = kIfIndex;
  uint32_t value = 0;  // ifIndex, reason of the discard, or number of interfaces

  // 0x3fffffff is no interface: the device itself. Agents write it into expanded samples too; others 2^32 - 1 there.
  uint32_t index() const {
    return format == kIfIndex && value != 0x3fffffff && value != 0xffffffff ? value : 0;
  }
};

Interface read_interface(Cursor& c, bool expanded) {
  if (expanded) {
    const uint32_t format = c.u32();
    return {format, c.u32()};
  }
  const uint32_t word = c.u32();
  return {word >> 30, word & 0x3fffffff};
}

void raw_header(Cursor c, SflowRecords& out) {
  const auto link = link_of(c.u32());
  const uint32_t frame = c.u32();
  const uint32_t stripped = c.u32();
  const Bytes header = c.bytes(c.u32());
  if (c.failed() || out.packet) return;
  out.frame_size = frame > stripped ? frame - stripped : frame;
  if (link) out.packet = parse_packet(header, *link);
}

void ethernet_frame(Cursor c, Flow& f, SflowRecords& out) {
  const uint32_t length = c.u32();
  const Bytes src = c.bytes(8);  // six octets, padded to a multiple of four
  const Bytes dst = c.bytes(8);
  if (c.failed()) return;
  if (out.frame_size == 0) out.frame_size = length;
  if (f.has(kKnownMac)) return;
  std::memcpy(f.src_mac, src.data(), 6);
  std::memcpy(f.dst_mac, dst.data(), 6);
  f.known |= kKnownMac;
}

// Both families: length, protocol, addresses, ports, TCP flags, TOS.
void ip_data(Cursor c, bool v6, Flow& f, SflowRecords& out) {
  const uint32_t length = c.u32();
  const uint32_t protocol = c.u32();
  const IpAddr src = v6 ? read_v6(c) : read_v4(c);
  const IpAddr dst = v6 ? read_v6(c) : read_v4(c);
  const uint32_t src_port = c.u32();
  const uint32_t dst_port = c.u32();
  const uint32_t flags = c.u32();
  const uint32_t tos = c.u32();
  if (c.failed() || (out.packet && out.packet->ip_layers > 0) || f.has(kKnownAddresses)) return;
  f.src = src;
  f.dst = dst;
  f.protocol = static_cast<uint8_t>(protocol);
  f.src_port = static_cast<uint16_t>(src_port);
  f.dst_port = static_cast<uint16_t>(dst_port);
  f.tcp_flags = static_cast<uint8_t>(flags);
  f.tos = static_cast<uint8_t>(tos);
  f.bytes = length;
  f.known |= kKnownAddresses | kKnownProtocol | kKnownPorts | kKnownTcpFlags | kKnownTos | kKnownBytes;
}

void extended_switch(Cursor c, Flow& f) {
  const uint32_t in = c.u32();
  c.skip(4);
  const uint32_t out = c.u32();
  if (c.failed()) return;
  f.vlan_in = static_cast<uint16_t>(in);
  f.vlan_out = static_cast<uint16_t>(out);
  f.known |= kKnownVlan;
}

void extended_router(Cursor c, Flow& f) {
  const IpAddr next_hop = read_address(c);
  const uint32_t src_mask = c.u32();
  const uint32_t dst_mask = c.u32();
  if (c.failed()) return;
  f.next_hop = next_hop;
  f.src_mask = static_cast<uint8_t>(src_mask);
  f.dst_mask = static_cast<uint8_t>(dst_mask);
  f.known |= kKnownNextHop | kKnownMasks;
}

// The destination's AS is the last of the path; without a path the destination is in the router's own AS.
void extended_gateway(Cursor c, Flow& f) {
  const IpAddr next_hop = read_address(c);
  const uint32_t own = c.u32();
  const uint32_t src_as = c.u32();
  c.skip(4);  // the peer's
  uint32_t last = 0;
  for (uint32_t segments = c.u32(); segments > 0 && c.ok(); --segments) {
    c.skip(4);
    for (uint32_t n = c.u32(); n > 0 && c.ok(); --n) last = c.u32();
  }
  if (c.failed()) return;
  f.src_as = src_as;
  f.dst_as = last != 0 ? last : own;
  f.known |= kKnownAs;
  if (!f.has(kKnownNextHop)) f.next_hop = next_hop, f.known |= kKnownNextHop;
}

void extended_mpls(Cursor c, Flow& f) {
  read_address(c);
  const uint32_t labels = c.u32();
  const uint32_t top = c.u32();
  if (c.failed() || labels == 0) return;
  f.mpls_label = top >> 12;
  f.known |= kKnownMpls;
}

void extended_nat(Cursor c, Flow& f) {
  const IpAddr src = read_address(c);
  const IpAddr dst = read_address(c);
  if (c.failed()) return;
  f.nat_src = src;
  f.nat_dst = dst;
  f.known |= kKnownNat;
}

void read_record(uint32_t format, Cursor c, Flow& f, SflowRecords& out) {
  switch (format) {
    case kRawHeader:
      return raw_header(c, out);
    case kEthernetFrame:
      return ethernet_frame(c, f, out);
    case kIpv4Data:
      return ip_data(c, false, f, out);
    case kIpv6Data:
      return ip_data(c, true, f, out);
    case kExtendedSwitch:
      return extended_switch(c, f);
    case kExtendedRouter:
      return extended_router(c, f);
    case kExtendedGateway:
      return extended_gateway(c, f);
    case kExtendedMpls:
      return extended_mpls(c, f);
    case kExtendedNat:
      return extended_nat(c, f);
    default:
      return;
  }
}

}  // namespace

SflowHeader read_sflow_header(Cursor& c) {
  SflowHeader h;
  c.skip(4);
  h.agent = read_address(c);
  h.sub_agent = c.u32();
  h.sequence = c.u32();
  h.uptime_ms = c.u32();
  h.samples = c.u32();
  return h;
}

SflowFlowSample read_sflow_sample(Cursor& c, uint32_t format) {
  SflowFlowSample s;
  s.sequence = c.u32();
  if (format == kSflowFlow) {
    s.source = c.u32();
  } else {  // class and index apart
    const uint32_t type = c.u32();
    s.source = type << 24 | (c.u32() & 0x00ffffff);
  }
  if (format == kSflowDiscard) {
    s.drops = c.u32();
    s.input = c.u32();
    s.output = c.u32();
    s.reason = c.u32();
    s.discarded = true;
    return s;
  }
  s.rate = c.u32();
  c.skip(4);  // pool
  s.drops = c.u32();
  const bool expanded = format == kSflowExpandedFlow;
  s.input = read_interface(c, expanded).index();
  const Interface output = read_interface(c, expanded);
  s.output = output.index();
  s.discarded = output.format == Interface::kDiscarded;
  s.reason = s.discarded ? output.value : 0;
  return s;
}

bool read_sflow_records(Cursor& c, Flow& flow, SflowRecords& out) {
  for (uint32_t n = c.u32(); n > 0 && c.ok() && c.left() > 0; --n) {
    const uint32_t format = c.u32();
    const uint32_t length = c.u32();
    const Bytes bytes = c.bytes(length);
    if (c.failed()) return false;
    c.skip(std::min<size_t>((4 - length % 4) % 4, c.left()));
    read_record(format, Cursor(bytes), flow, out);
  }
  return c.ok();
}

}  // namespace netflowgen::flow
