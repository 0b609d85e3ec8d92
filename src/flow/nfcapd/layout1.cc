// Records of layout 1 (nfdump 1.6): a common part, three extensions that are always there, and those that the
// record's extension map lists, packed in that order.
#include "flow/nfcapd/load.h"
#include "flow/nfcapd/record_layout2.h"

namespace netflowgen::flow::nfcapd {
namespace {

constexpr size_t kCommonV0Size = 28;  // up to the destination port
constexpr size_t kCommonSize = 32;    // and the exporter's number

// Bytes of each extension; 0 where this reader does not know it, so that what follows cannot be placed.
constexpr std::array<uint8_t, kX1Count> kSizes = [] {
  std::array<uint8_t, kX1Count> n{};
  n[kX1InOut16] = n[kX1As16] = n[kX1Multiple] = n[kX1NextHop4] = n[kX1BgpNextHop4] = n[kX1Vlan] = 4;
  n[kX1OutPackets32] = n[kX1OutBytes32] = n[kX1Flows32] = n[kX1Router4] = n[kX1RouterId] = 4;
  n[kX1NselPorts] = 4;
  n[kX1InOut32] = n[kX1As32] = n[kX1OutPackets64] = n[kX1OutBytes64] = n[kX1Flows64] = 8;
  n[kX1BgpAdjacent] = n[kX1Received] = n[kX1NselXlate4] = n[kX1NelGlobal4] = n[kX1PortBlock] = 8;
  n[kX1NextHop6] = n[kX1BgpNextHop6] = n[kX1Mac1] = n[kX1Mac2] = n[kX1Router6] = 16;
  n[kX1NelCommon] = 12;
  n[kX1NselCommon] = 20;
  n[kX1NselXlate6] = 32;
  n[kX1NselAcl] = n[kX1NselUser] = n[kX1Latency] = 24;
  n[kX1Mpls] = 40;
  n[kX1NselUserMax] = 72;
  return n;
}();

// What the extensions of one record leave to be settled at its end.
struct Pending {
  TimeMs event_ms = 0;
  OutCounters out;
  uint32_t connection = 0;  // NSEL's id of it
};

template <bool kSwap>
void apply_counters(uint16_t id, const uint8_t* p, OutCounters& out) {
  using L = Load<kSwap>;
  switch (id) {
    case kX1OutPackets32:
      out.packets = L::u32(p);
      break;
    case kX1OutPackets64:
      out.packets = L::u64(p);
      break;
    case kX1OutBytes32:
      out.bytes = L::u32(p);
      break;
    case kX1OutBytes64:
      out.bytes = L::u64(p);
      break;
    case kX1Flows32:
      out.flows = L::u32(p);
      break;
    case kX1Flows64:
      out.flows = L::u64(p);
      break;
    default:
      return;
  }
  out.given = true;
}

template <bool kSwap>
void apply_rare(uint16_t id, const uint8_t* p, Flow& f, Pending& pending) {
  using L = Load<kSwap>;
  switch (id) {
    case kX1Vlan:
      f.vlan_in = L::u16(p);
      f.vlan_out = L::u16(p + 2);
      f.known |= kKnownVlan;
      break;
    case kX1Mac1:
      L::mac(p, f.src_mac);
      L::mac(p + 8, f.dst_mac);
      f.known |= kKnownMac;
      break;
    case kX1Mac2:  // in dst mac
      if (L::u64(p) != 0) L::mac(p, f.dst_mac);
      f.known |= kKnownMac;
      break;
    case kX1Mpls:
      f.mpls_label = label_of(L::u32(p));
      f.known |= kKnownMpls;
      break;
    case kX1NselCommon:
      pending.event_ms = static_cast<TimeMs>(L::u64(p));
      pending.connection = L::u32(p + 8);
      f.event = p[14];
      f.known |= kKnownEvent;
      break;
    case kX1NselPorts:
      f.nat_src_port = L::u16(p);
      f.nat_dst_port = L::u16(p + 2);
      f.known |= kKnownNat;
      break;
    case kX1NselXlate4:
    case kX1NelGlobal4:
      f.nat_src = L::ip4(p);
      f.nat_dst = L::ip4(p + 4);
      f.known |= kKnownNat;
      break;
    case kX1NselXlate6:
      f.nat_src = L::ip6(p);
      f.nat_dst = L::ip6(p + 16);
      f.known |= kKnownNat;
      break;
    case kX1NelCommon:
      f.event = p[0];
      f.vrf_out = L::u32(p + 4);
      f.vrf_in = L::u32(p + 8);
      f.known |= kKnownEvent | kKnownVrf;
      break;
    default:
      apply_counters<kSwap>(id, p, pending.out);  // or what Flow does not hold
  }
}

template <bool kSwap>
void apply(uint16_t id, const uint8_t* p, Flow& f, Pending& pending) {
  using L = Load<kSwap>;
  switch (id) {
    case kX1InOut16:
      f.in_if = L::u16(p);
      f.out_if = L::u16(p + 2);
      f.known |= kKnownInterfaces;
      break;
    case kX1InOut32:
      f.in_if = L::u32(p);
      f.out_if = L::u32(p + 4);
      f.known |= kKnownInterfaces;
      break;
    case kX1As16:
      f.src_as = L::u16(p);
      f.dst_as = L::u16(p + 2);
      f.known |= kKnownAs;
      break;
    case kX1As32:
      f.src_as = L::u32(p);
      f.dst_as = L::u32(p + 4);
      f.known |= kKnownAs;
      break;
    case kX1Multiple:
      f.direction = p[1];
      pending.out.tos = p[0];
      pending.out.has_tos = true;
      f.src_mask = p[2];
      f.dst_mask = p[3];
      f.known |= kKnownMasks | kKnownDirection;
      break;
    case kX1NextHop4:
    case kX1NextHop6:
      f.next_hop = id == kX1NextHop4 ? L::ip4(p) : L::ip6(p);
      f.known |= kKnownNextHop;
      break;
    case kX1Router4:
      f.exporter = L::ip4(p);
      break;
    case kX1Router6:
      f.exporter = L::ip6(p);
      break;
    case kX1Received:
      f.received_ms = static_cast<TimeMs>(L::u64(p));
      break;
    default:
      apply_rare<kSwap>(id, p, f, pending);
  }
}

// The part before the extensions. REQUIRES: p has kCommonV0Size bytes.
template <bool kSwap>
void apply_common(const uint8_t* p, Flow& f) {
  using L = Load<kSwap>;
  f.start_ms = TimeMs{L::u32(p + 12)} * 1000 + L::u16(p + 8);
  f.end_ms = TimeMs{L::u32(p + 16)} * 1000 + L::u16(p + 10);
  f.tcp_flags = p[21];
  f.protocol = p[22];
  f.tos = p[23];
  f.src_port = L::u16(p + 24);
  f.dst_port = L::u16(p + 26);
  f.known = kAlwaysKnown;
}

}  // namespace

template <bool kSwap>
Outcome RecordDecoder::decode_common(base::Bytes record, bool wide_exporter, Flow& flow, Flow& reply) {
  using L = Load<kSwap>;
  const uint8_t* const p = record.data();
  size_t at = wide_exporter ? kCommonSize : kCommonV0Size;
  if (record.size() < at) return Outcome::kBadSize;
  const unsigned flags = wide_exporter ? L::u16(p + 4) : p[4];
  const bool v6 = (flags & kIpv6) != 0;
  const size_t addresses = v6 ? 32 : 8;
  const size_t packets = (flags & kPackets64) != 0 ? 8 : 4;
  const size_t bytes = (flags & kBytes64) != 0 ? 8 : 4;
  if (record.size() - at < addresses + packets + bytes) return Outcome::kBadSize;
  flow = Flow{};
  apply_exporter(wide_exporter ? L::u16(p + 28) : p[5], flow);
  apply_common<kSwap>(p, flow);
  flow.src = v6 ? L::ip6(p + at) : L::ip4(p + at);
  flow.dst = v6 ? L::ip6(p + at + 16) : L::ip4(p + at + 4);
  at += addresses;
  flow.packets = packets == 8 ? L::u64(p + at) : L::u32(p + at);
  at += packets;
  flow.bytes = bytes == 8 ? L::u64(p + at) : L::u32(p + at);
  at += bytes;
  Pending pending;
  const auto map = maps_.find(L::u16(p + 6));
  if (map != maps_.end()) {
    for (const uint16_t id : map->second.extensions) {
      const size_t size = id < kSizes.size() ? kSizes[id] : 0;
      if (size == 0) break;  // an extension of a later nfdump: what follows it cannot be placed
      if (record.size() - at < size) return Outcome::kBadSize;
      apply<kSwap>(id, p + at, flow, pending);
      at += size;
    }
  }
  if ((flags & kSampled1) != 0) flow.known |= kKnownSampling;
  settle_times(pending.event_ms, flow);
  if (map == maps_.end()) return Outcome::kFlowNoMap;
  return finish(pending.out, pending.connection, flow, reply);
}

template Outcome RecordDecoder::decode_common<false>(base::Bytes, bool, Flow&, Flow&);
template Outcome RecordDecoder::decode_common<true>(base::Bytes, bool, Flow&, Flow&);

}  // namespace netflowgen::flow::nfcapd
