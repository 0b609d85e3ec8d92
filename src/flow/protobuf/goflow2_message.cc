#include "flow/protobuf/goflow2_message.h"

#include <cstring>

#include "flow/reverse.h"

namespace netflowgen::flow {
namespace {

// Numbers of flow.proto. Releases 1.x have times in seconds and milliseconds, 2.x in nanoseconds.
enum : uint32_t {
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

constexpr uint64_t kEtypeIpv4 = 0x0800;
constexpr uint64_t kEtypeIpv6 = 0x86dd;
constexpr uint64_t kMoreFragments = 1;  // of the three bits of IPv4
constexpr uint8_t kSflowVersion = 105;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kMaxSeconds = uint64_t{1} << 40;

// goflow2's FlowType to Flow::version.
uint8_t version_of(uint64_t type) {
  constexpr uint8_t kVersions[] = {0, kSflowVersion, 5, 9, 10};
  return type < std::size(kVersions) ? kVersions[type] : uint8_t{0};
}

bool is_release_2(const WireFields& m) {
  return (m.number(kReceivedNs) | m.number(kStartNs) | m.number(kEndNs)) != 0;
}

// The first that is given, in milliseconds; 0: none is.
TimeMs time_of(const WireFields& m, uint32_t ns, uint32_t ms, uint32_t seconds) {
  if (const uint64_t t = m.number(ns); t != 0) return static_cast<TimeMs>(t / kNsPerMs);
  if (const uint64_t t = ms == 0 ? 0 : m.number(ms); t != 0 && t < kMaxSeconds * 1000)
    return static_cast<TimeMs>(t);
  const uint64_t t = seconds == 0 ? 0 : m.number(seconds);
  return t < kMaxSeconds ? static_cast<TimeMs>(t * 1000) : 0;
}

// False: no time at all.
bool read_times(const WireFields& m, Flow& f) {
  const bool release_2 = is_release_2(m);
  const TimeMs received = time_of(m, kReceivedNs, 0, kReceivedSeconds);
  const TimeMs start = time_of(m, kStartNs, kStartMs, release_2 ? 0u : uint32_t{kStartSeconds});
  const TimeMs end = time_of(m, kEndNs, kEndMs, kEndSeconds);
  if (start == 0 && end == 0 && received == 0) return false;
  f.start_ms = start != 0 ? start : end != 0 ? end : received;
  f.end_ms = f.start_ms;
  if (start != 0 && end >= start) {
    f.end_ms = end;
    f.known |= kKnownDuration;
  }
  f.received_ms = received != 0 ? received : f.end_ms;
  return true;
}

// False: it is neither 4 nor 16 octets, nor missing.
bool read_address(Bytes from, IpAddr& to) {
  if (from.size() == 16) {
    std::memcpy(to.bytes.data(), from.data(), 16);
  } else if (from.size() == 4) {
    to = IpAddr::v4(base::load_be32(from.data()));
  }
  return from.empty() || from.size() == 4 || from.size() == 16;
}

// False: an address is none.
bool read_addresses(const WireFields& m, Flow& f) {
  const Bytes src = m.bytes(kSrcAddress);
  const Bytes dst = m.bytes(kDstAddress);
  if (!read_address(src, f.src) || !read_address(dst, f.dst)) return false;
  if (src.empty() || dst.empty()) {
    f.src = f.dst = IpAddr{};
  } else {
    f.known |= kKnownAddresses;
  }
  if (!read_address(m.bytes(kSampler), f.exporter)) return false;
  if (!read_address(m.bytes(kNextHopAddress), f.next_hop)) return false;
  const Bytes hop = m.bytes(kNextHopAddress);
  const bool v4_zero = f.next_hop == IpAddr::v4(0);
  if (v4_zero) f.next_hop = IpAddr{};
  if (!hop.empty() && !f.next_hop.is_zero()) f.known |= kKnownNextHop;
  return true;
}

template <typename T>
bool fit(uint64_t value, T& to) {
  to = static_cast<T>(value);
  return to == value;
}

// Fields whose zero is a value. False: a number does not fit.
bool read_counted(const WireFields& m, Flow& f) {
  f.bytes = m.number(kBytes);
  f.packets = m.number(kPackets);
  f.known |= kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTos;
  uint16_t flags = 0;
  uint8_t type = 0;
  uint8_t code = 0;
  const bool ok = fit(m.number(kProto), f.protocol) && fit(m.number(kSrcPort), f.src_port) &&
                  fit(m.number(kDstPort), f.dst_port) && fit(m.number(kIpTos), f.tos) &&
                  fit(m.number(kTcpFlags), flags) && fit(m.number(kIcmpType), type) &&
                  fit(m.number(kIcmpCode), code) && fit(m.number(kDomainId), f.domain);
  if (f.protocol == kTcp) {
    f.tcp_flags = static_cast<uint8_t>(flags);
    f.known |= kKnownTcpFlags;
  }
  if (f.protocol == kIcmp || f.protocol == kIcmp6) {
    f.icmp_type_code = static_cast<uint16_t>(type << 8 | code);
    if (f.icmp_type_code == 0) f.icmp_type_code = icmp_of_ports(f.src_port, f.dst_port);
    f.known = (f.known | kKnownIcmp) & ~uint32_t{kKnownPorts};
    f.src_port = f.dst_port = 0;
  }
  return ok;
}

void set_known(Flow& f, bool given, uint32_t group) { f.known |= given ? group : 0u; }

// Fields whose zero means that nothing was exported. False: a number does not fit.
bool read_optional(const WireFields& m, Flow& f) {
  const bool ok = fit(m.number(kSamplingRate), f.sampling) && fit(m.number(kInIf), f.in_if) &&
                  fit(m.number(kOutIf), f.out_if) && fit(m.number(kSrcAs), f.src_as) &&
                  fit(m.number(kDstAs), f.dst_as) && fit(m.number(kSrcNet), f.src_mask) &&
                  fit(m.number(kDstNet), f.dst_mask) && fit(m.number(kIpTtl), f.ttl) &&
                  fit(m.number(kDstVlan), f.vlan_out) && fit(m.number(kIngressVrf), f.vrf_in) &&
                  fit(m.number(kEgressVrf), f.vrf_out) && fit(m.number(kFlowDirection), f.direction) &&
                  fit(m.number(kSrcVlan) != 0 ? m.number(kSrcVlan) : m.number(kVlanId), f.vlan_in);
  set_known(f, f.sampling != 0, kKnownSampling);
  if (f.sampling == 0) f.sampling = 1;
  set_known(f, (f.in_if | f.out_if) != 0, kKnownInterfaces);
  set_known(f, (f.src_as | f.dst_as) != 0, kKnownAs);
  set_known(f, (f.src_mask | f.dst_mask) != 0, kKnownMasks);
  set_known(f, f.ttl != 0, kKnownTtl);
  set_known(f, (f.vlan_in | f.vlan_out) != 0, kKnownVlan);
  set_known(f, (f.vrf_in | f.vrf_out) != 0, kKnownVrf);
  set_known(f, f.direction != 0, kKnownDirection);
  return ok;
}

void store_mac(uint64_t mac, uint8_t* to) {
  for (int i = 0; i < 6; ++i) to[i] = static_cast<uint8_t>(mac >> (8 * (5 - i)));
}

// What packets alone have: MACs, the top label, fragments of sampled packets.
void read_packet(const WireFields& m, Flow& f) {
  store_mac(m.number(kSrcMac), f.src_mac);
  store_mac(m.number(kDstMac), f.dst_mac);
  set_known(f, (m.number(kSrcMac) | m.number(kDstMac)) != 0, kKnownMac);
  uint64_t label = m.number(kMpls1Label);
  if (label != 0 || m.first(kMplsLabels, label)) {
    f.mpls_label = static_cast<uint32_t>(label & 0xfffff);
    f.known |= kKnownMpls;
  }
  if (f.version == kSflowVersion && is_release_2(m)) {
    const bool more = (m.number(kIpFlags) & kMoreFragments) != 0;
    f.fragment = more || m.number(kFragmentOffset) != 0 ? 1 : 0;
    f.known |= kKnownFragment;
  }
}

bool is_goflow2(const WireFields& m) {
  const bool timed = m.number(kReceivedSeconds) != 0 || is_release_2(m);
  const size_t sampler = m.bytes(kSampler).size();
  return timed || sampler == 4 || sampler == 16;
}

// What is no flow although it may have addresses; or has none, as layer 2 has none, and counted nothing.
bool is_not_ip(const WireFields& m, const Flow& f) {
  const uint64_t etype = m.number(kEtype);
  if (etype != 0 && etype != kEtypeIpv4 && etype != kEtypeIpv6) return true;
  if (f.has(kKnownAddresses)) return false;
  return f.version == kSflowVersion || (f.bytes | f.packets) == 0;
}

}  // namespace

ProtobufDrop Goflow2Decoder::decode(Bytes message, Flow& flow) {
  if (!fields_.parse(message)) return ProtobufDrop::kMalformed;
  if (!is_goflow2(fields_)) return ProtobufDrop::kForeign;
  flow = Flow{};
  flow.version = version_of(fields_.number(kType));
  if (!read_times(fields_, flow)) return ProtobufDrop::kTime;
  if (!read_addresses(fields_, flow)) return ProtobufDrop::kAddress;
  const bool fits = read_counted(fields_, flow);
  if (!read_optional(fields_, flow) || !fits) return ProtobufDrop::kNumber;
  if (is_not_ip(fields_, flow)) return ProtobufDrop::kNotIp;
  read_packet(fields_, flow);
  return ProtobufDrop::kNone;
}

bool Goflow2Decoder::recognises(Bytes message) {
  return fields_.parse(message) && is_goflow2(fields_) && fields_.number(kType) <= 4;
}

}  // namespace netflowgen::flow
