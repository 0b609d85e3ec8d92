#include "flow/nfcapd/record_layout2.h"

#include <algorithm>

#include "flow/nfcapd/load.h"

namespace netflowgen::flow::nfcapd {
namespace {

constexpr uint32_t kGenericKnown =
    kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags | kKnownDuration | kKnownTos;
constexpr size_t kElementHeader = 4;
constexpr uint8_t kMoreFragments = 0x20;
// The NAT event element of nfdump 1.7.1 carried the VRFs; later ones moved them to an element of their own.
constexpr size_t kNatCommonWithVrf = 24;
constexpr size_t kFlowMiscWithReverseFlags = 16;

// What an element needs at least, without its header; elements that Flow does not hold need nothing.
constexpr std::array<uint8_t, 64> kNeeds = [] {
  std::array<uint8_t, 64> n{};
  n[kGeneric] = 48;
  n[kIpv4Flow] = n[kVlan] = n[kAs] = n[kXlate4] = n[kVrf] = 8;
  n[kIpv6Flow] = n[kXlate6] = n[kMac] = 32;
  n[kFlowMisc] = n[kObservation] = 12;
  n[kNextHop4] = n[kReceived4] = n[kXlatePorts] = n[kIpInfo] = n[kMpls] = n[kLayer2] = 4;
  n[kBgpNextHop4] = 4;
  n[kCounters] = 24;
  n[kNextHop6] = n[kReceived6] = n[kBgpNextHop6] = n[kNselCommon] = n[kNatCommon] = 16;
  return n;
}();

// What the elements of one record leave to be settled at its end.
struct Pending {
  TimeMs event_ms = 0;
  OutCounters out;
  uint32_t connection = 0;  // NSEL's id of it
  bool generic = false;
};

template <bool kSwap>
void apply_generic(const uint8_t* p, Flow& f, Pending& pending) {
  using L = Load<kSwap>;
  pending.generic = true;
  f.start_ms = static_cast<TimeMs>(L::u64(p));
  f.end_ms = static_cast<TimeMs>(L::u64(p + 8));
  f.received_ms = static_cast<TimeMs>(L::u64(p + 16));
  f.packets = L::u64(p + 24);
  f.bytes = L::u64(p + 32);
  f.src_port = L::u16(p + 40);
  f.dst_port = L::u16(p + 42);
  f.protocol = p[44];
  f.tcp_flags = p[45];
  f.tos = p[47];
  f.known |= kGenericKnown;
}

// Elements that most records do not have.
template <bool kSwap>
void apply_rare(uint16_t type, const uint8_t* p, size_t size, Flow& f, Pending& pending) {
  using L = Load<kSwap>;
  switch (type) {
    case kVlan:
      f.vlan_in = static_cast<uint16_t>(L::u32(p));
      f.vlan_out = static_cast<uint16_t>(L::u32(p + 4));
      f.known |= kKnownVlan;
      break;
    case kLayer2:
      f.vlan_in = L::u16(p);
      f.vlan_out = size >= 6 ? L::u16(p + 4) : uint16_t{0};
      f.known |= kKnownVlan;
      break;
    case kMpls:
      f.mpls_label = label_of(L::u32(p));
      f.known |= kKnownMpls;
      break;
    case kMac:
      L::mac(p, f.src_mac);
      L::mac(p + (L::u64(p + 16) != 0 ? 16 : 8), f.dst_mac);
      f.known |= kKnownMac;
      break;
    case kNselCommon:
      pending.event_ms = static_cast<TimeMs>(L::u64(p));
      pending.connection = L::u32(p + 8);
      f.event = p[14];
      f.known |= kKnownEvent;
      break;
    case kNatCommon: {
      const bool with_vrf = size >= kNatCommonWithVrf;
      pending.event_ms = static_cast<TimeMs>(L::u64(p));
      f.event = p[with_vrf ? 20 : 12];
      f.known |= kKnownEvent;
      if (with_vrf) {
        f.vrf_out = L::u32(p + 8);
        f.vrf_in = L::u32(p + 12);
        f.known |= kKnownVrf;
      }
      break;
    }
    case kXlate4:
      f.nat_src = L::ip4(p);
      f.nat_dst = L::ip4(p + 4);
      f.known |= kKnownNat;
      break;
    case kXlate6:
      f.nat_src = L::ip6(p);
      f.nat_dst = L::ip6(p + 16);
      f.known |= kKnownNat;
      break;
    case kXlatePorts:
      f.nat_src_port = L::u16(p);
      f.nat_dst_port = L::u16(p + 2);
      f.known |= kKnownNat;
      break;
    case kVrf:
      f.vrf_out = L::u32(p);
      f.vrf_in = L::u32(p + 4);
      f.known |= kKnownVrf;
      break;
    case kObservation:
      f.domain = L::u32(p + 8);
      break;
    case kIpInfo:
      f.fragment = (p[1] & kMoreFragments) != 0 ? 1 : 0;
      f.ttl = p[2];
      f.known |= kKnownFragment | kKnownTtl;
      break;
    default:
      break;  // what Flow does not hold
  }
}

template <bool kSwap>
void apply_misc(const uint8_t* p, size_t size, Flow& f, OutCounters& out) {
  using L = Load<kSwap>;
  f.in_if = L::u32(p);
  f.out_if = L::u32(p + 4);
  f.src_mask = p[8];
  f.dst_mask = p[9];
  f.direction = p[10];
  f.known |= kKnownInterfaces | kKnownMasks | kKnownDirection;
  out.tos = p[11];
  out.has_tos = true;
  if (size >= kFlowMiscWithReverseFlags) out.tcp_flags = p[14];
}

template <bool kSwap>
void apply_counters(const uint8_t* p, OutCounters& out) {
  using L = Load<kSwap>;
  out.given = true;
  out.flows = L::u64(p);
  out.packets = L::u64(p + 8);
  out.bytes = L::u64(p + 16);
}

template <bool kSwap>
void apply(uint16_t type, const uint8_t* p, size_t size, Flow& f, Pending& pending) {
  using L = Load<kSwap>;
  switch (type) {
    case kGeneric:
      return apply_generic<kSwap>(p, f, pending);
    case kIpv4Flow:
      f.src = L::ip4(p);
      f.dst = L::ip4(p + 4);
      f.known |= kKnownAddresses;
      break;
    case kIpv6Flow:
      f.src = L::ip6(p);
      f.dst = L::ip6(p + 16);
      f.known |= kKnownAddresses;
      break;
    case kFlowMisc:
      return apply_misc<kSwap>(p, size, f, pending.out);
    case kCounters:
      return apply_counters<kSwap>(p, pending.out);
    case kAs:
      f.src_as = L::u32(p);
      f.dst_as = L::u32(p + 4);
      f.known |= kKnownAs;
      break;
    case kNextHop4:
      f.next_hop = L::ip4(p);
      f.known |= kKnownNextHop;
      break;
    case kNextHop6:
      f.next_hop = L::ip6(p);
      f.known |= kKnownNextHop;
      break;
    case kBgpNextHop4:
      if (!f.has(kKnownNextHop)) f.next_hop = L::ip4(p);
      break;
    case kBgpNextHop6:
      if (!f.has(kKnownNextHop)) f.next_hop = L::ip6(p);
      break;
    case kReceived4:
      f.exporter = L::ip4(p);
      break;
    case kReceived6:
      f.exporter = L::ip6(p);
      break;
    default:
      apply_rare<kSwap>(type, p, size, f, pending);
  }
}

}  // namespace

void settle_times(TimeMs event_ms, Flow& f) {
  if (f.start_ms == 0 && f.end_ms == 0) {  // events and broken exporters: the next best time
    f.start_ms = f.end_ms = event_ms != 0 ? event_ms : f.received_ms;
    f.known &= ~static_cast<uint32_t>(kKnownDuration);
  }
  // NSEL: the connection's start, no end, and the time of the update or teardown.
  if (f.end_ms < f.start_ms) f.end_ms = std::max(f.start_ms, event_ms);
  if (f.received_ms == 0) f.received_ms = f.end_ms;
  if (f.protocol == kIcmp || f.protocol == kIcmp6) {
    f.icmp_type_code = f.dst_port;
    f.src_port = f.dst_port = 0;
    f.known = (f.known | kKnownIcmp) & ~uint32_t{kKnownPorts};
  }
}

template <bool kSwap>
Outcome RecordDecoder::decode_v3(base::Bytes record, Flow& flow, Flow& reply) {
  using L = Load<kSwap>;
  if (record.size() < kV3Header) return Outcome::kBadSize;
  const uint8_t* at = record.data() + kV3Header;
  const uint8_t* const end = record.data() + record.size();
  flow = Flow{};
  apply_exporter(L::u16(record.data() + 8), flow);
  Pending pending;
  for (unsigned left = L::u16(record.data() + 4); left > 0; --left) {
    if (end - at < static_cast<ptrdiff_t>(kElementHeader)) return Outcome::kBadSize;
    const uint16_t type = L::u16(at);
    const size_t length = L::u16(at + 2);
    if (length < kElementHeader || static_cast<ptrdiff_t>(length) > end - at) return Outcome::kBadSize;
    const size_t size = length - kElementHeader;
    if (type < kNeeds.size() && size < kNeeds[type]) return Outcome::kBadSize;
    apply<kSwap>(type, at + kElementHeader, size, flow, pending);
    at += length;
  }
  if (!pending.generic) return Outcome::kNoFlow;
  if (const uint8_t version = record[11]; version != 0) flow.version = version;
  if ((record[10] & kSampled3) != 0) flow.known |= kKnownSampling;
  settle_times(pending.event_ms, flow);
  return finish(pending.out, pending.connection, flow, reply);
}

template <bool kSwap>
bool RecordDecoder::plausible_as(base::Bytes bytes) const {
  using L = Load<kSwap>;
  if (bytes.size() < kV3Header || L::u16(bytes.data()) != kV3) return false;
  const size_t size = L::u16(bytes.data() + 2);
  if (size < kV3Header || size > bytes.size()) return false;
  size_t at = kV3Header;
  unsigned elements = L::u16(bytes.data() + 4);
  if (elements == 0) return false;
  for (; elements > 0; --elements) {
    if (at + kElementHeader > size) return false;
    const size_t length = L::u16(bytes.data() + at + 2);
    if (length < kElementHeader || at + length > size) return false;
    at += length;
  }
  return at == size;
}

void RecordDecoder::reset(bool swapped) {
  swapped_ = swapped;
  exporters_.clear();
  maps_.clear();
}

void RecordDecoder::apply_exporter(uint16_t id, Flow& flow) const {
  if (id >= exporters_.size() || !exporters_[id].set) return;
  const Exporter& e = exporters_[id];
  flow.exporter = e.address;
  flow.domain = e.domain;
  flow.version = e.version;
}

template <bool kSwap>
Outcome RecordDecoder::add_exporter(base::Bytes record) {
  using L = Load<kSwap>;
  if (record.size() < 32) return Outcome::kBadSize;
  const uint8_t* p = record.data();
  const uint32_t version = L::u32(p + 4);
  const uint16_t id = L::u16(p + 26);
  if (id >= exporters_.size()) exporters_.resize(size_t{id} + 1);
  // nfdump puts an IPv4 address where its union has it, which depends on the byte order; both leave the rest
  // 0.
  const uint8_t* ip = p + 8;
  const bool v4 = L::u16(p + 24) == 2 || L::u64(ip) == 0;
  const size_t v4_at = kSwap ? 12 : 8;
  exporters_[id] = {v4 ? L::ip4(ip + v4_at) : L::ip6(ip), L::u32(p + 28),
                    static_cast<uint8_t>(version == kSflowVersion ? 105 : version), true};
  ++exporter_records_;
  return Outcome::kControl;
}

template <bool kSwap>
Outcome RecordDecoder::add_map(base::Bytes record) {
  using L = Load<kSwap>;
  if (record.size() < 8) return Outcome::kBadSize;
  const size_t count = (record.size() - 8) / 2;
  if (count > kMaxExtensions) return Outcome::kBadSize;
  Map map;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t id = L::u16(record.data() + 8 + 2 * i);
    if (id == 0) break;
    map.extensions.push_back(id);
  }
  maps_[L::u16(record.data() + 4)] = std::move(map);
  return Outcome::kControl;
}

template <bool kSwap>
Outcome RecordDecoder::decode_as(base::Bytes record, Flow& flow, Flow& reply) {
  Outcome outcome = Outcome::kControl;
  switch (Load<kSwap>::u16(record.data())) {
    case kV3:
      outcome = decode_v3<kSwap>(record, flow, reply);
      break;
    case kCommonV0:
      outcome = decode_common<kSwap>(record, false, flow, reply);
      break;
    case kCommon:
      outcome = decode_common<kSwap>(record, true, flow, reply);
      break;
    case kExporterInfo:
      return add_exporter<kSwap>(record);
    case kExtensionMap:
      return add_map<kSwap>(record);
    case kSamplerInfo:
    case kSampler:
      ++sampler_records_;
      return Outcome::kControl;
    case kPortHistogram:
    case kBppHistogram:
    case kLegacyExporter:
    case kLegacySampler:
    case kExporterStat:
    case kNbar:
    case kIfName:
    case kVrfName:
    case kIdent:
    case kStat:
      return Outcome::kControl;
    default:
      return Outcome::kUnknown;
  }
  if (outcome == Outcome::kFlow || outcome == Outcome::kFlowNoMap) known_ |= flow.known;
  if (outcome == Outcome::kFlowAndReply) known_ |= flow.known | reply.known;
  return outcome;
}

template Outcome RecordDecoder::decode_as<false>(base::Bytes, Flow&, Flow&);
template Outcome RecordDecoder::decode_as<true>(base::Bytes, Flow&, Flow&);
template bool RecordDecoder::plausible_as<false>(base::Bytes) const;
template bool RecordDecoder::plausible_as<true>(base::Bytes) const;

}  // namespace netflowgen::flow::nfcapd
