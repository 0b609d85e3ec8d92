#include "flow/protobuf/goflow2_message.h"

#include <cstring>

#include "flow/reverse.h"

namespace netflowgen::flow {
namespace {

using namespace goflow2;  // numbers of fields

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

// What follows is the same for the fast fields and for their reference (WireFields).

template <typename Fields>
bool is_release_2(const Fields& m) {
  return (m.number(kReceivedNs) | m.number(kStartNs) | m.number(kEndNs)) != 0;
}

// The first that is given, in milliseconds; 0: none is.
TimeMs time_of(uint64_t ns, uint64_t ms, uint64_t seconds) {
  if (ns != 0) return static_cast<TimeMs>(ns / kNsPerMs);
  if (ms != 0 && ms < kMaxSeconds * 1000) return static_cast<TimeMs>(ms);
  return seconds < kMaxSeconds ? static_cast<TimeMs>(seconds * 1000) : 0;
}

// False: no time at all.
template <typename Fields>
bool read_times(const Fields& m, Flow& f) {
  const TimeMs received = time_of(m.number(kReceivedNs), 0, m.number(kReceivedSeconds));
  const TimeMs start =
      time_of(m.number(kStartNs), m.number(kStartMs), is_release_2(m) ? 0 : m.number(kStartSeconds));
  const TimeMs end = time_of(m.number(kEndNs), m.number(kEndMs), m.number(kEndSeconds));
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
inline bool read_address(Bytes from, IpAddr& to) {
  if (from.size() == 4) {
    to = IpAddr::v4(base::load_be32(from.data()));
  } else if (from.size() == 16) {
    std::memcpy(to.bytes.data(), from.data(), 16);
  } else {
    return from.empty();
  }
  return true;
}

// Whether it is missing, 0.0.0.0 or ::, also written as ::ffff:0.0.0.0.
inline bool is_unspecified(Bytes address) {
  if (address.size() == 4) return base::load_be32(address.data()) == 0;
  if (address.size() != 16) return address.empty();
  const uint64_t low = base::load_be64(address.data() + 8);
  return base::load_be64(address.data()) == 0 && (low == 0 || low == uint64_t{0xffff} << 32);
}

// False: an address is none.
template <typename Fields>
bool read_addresses(const Fields& m, Flow& f) {
  const Bytes src = m.bytes(kSrcAddress);
  const Bytes dst = m.bytes(kDstAddress);
  if (!read_address(src, f.src) || !read_address(dst, f.dst)) return false;
  if (src.empty() || dst.empty()) {
    f.src = f.dst = IpAddr{};
  } else {
    f.known |= kKnownAddresses;
  }
  if (!read_address(m.bytes(kSampler), f.exporter)) return false;
  const Bytes hop = m.bytes(kNextHopAddress);
  if (is_unspecified(hop)) return true;
  f.known |= kKnownNextHop;
  return read_address(hop, f.next_hop);
}

// Puts numbers into fields, and remembers whether one was too large.
class Fit {
 public:
  template <typename T>
  void operator()(uint64_t value, T& to) {
    to = static_cast<T>(value);
    over_ |= value >> (8 * sizeof(T));
  }
  bool ok() const { return over_ == 0; }

 private:
  uint64_t over_ = 0;
};

// Fields whose zero is a value. False: a number does not fit.
template <typename Fields>
bool read_counted(const Fields& m, Flow& f) {
  f.bytes = m.number(kBytes);
  f.packets = m.number(kPackets);
  f.known |= kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTos;
  uint16_t flags = 0;
  uint8_t type = 0;
  uint8_t code = 0;
  Fit fit;
  fit(m.number(kProto), f.protocol);
  fit(m.number(kSrcPort), f.src_port);
  fit(m.number(kDstPort), f.dst_port);
  fit(m.number(kIpTos), f.tos);
  fit(m.number(kTcpFlags), flags);
  fit(m.number(kIcmpType), type);
  fit(m.number(kIcmpCode), code);
  fit(m.number(kDomainId), f.domain);
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
  return fit.ok();
}

inline uint32_t known_if(bool given, uint32_t group) { return given ? group : 0; }

// Fields whose zero means that nothing was exported. False: a number does not fit.
template <typename Fields>
bool read_optional(const Fields& m, Flow& f) {
  Fit fit;
  fit(m.number(kSamplingRate), f.sampling);
  fit(m.number(kInIf), f.in_if);
  fit(m.number(kOutIf), f.out_if);
  fit(m.number(kSrcAs), f.src_as);
  fit(m.number(kDstAs), f.dst_as);
  fit(m.number(kSrcNet), f.src_mask);
  fit(m.number(kDstNet), f.dst_mask);
  fit(m.number(kIpTtl), f.ttl);
  fit(m.number(kDstVlan), f.vlan_out);
  fit(m.number(kIngressVrf), f.vrf_in);
  fit(m.number(kEgressVrf), f.vrf_out);
  fit(m.number(kFlowDirection), f.direction);
  fit(m.number(kSrcVlan) != 0 ? m.number(kSrcVlan) : m.number(kVlanId), f.vlan_in);
  f.known |=
      known_if(f.sampling != 0, kKnownSampling) | known_if((f.in_if | f.out_if) != 0, kKnownInterfaces) |
      known_if((f.src_as | f.dst_as) != 0, kKnownAs) | known_if((f.src_mask | f.dst_mask) != 0, kKnownMasks) |
      known_if(f.ttl != 0, kKnownTtl) | known_if((f.vlan_in | f.vlan_out) != 0, kKnownVlan) |
      known_if((f.vrf_in | f.vrf_out) != 0, kKnownVrf) | known_if(f.direction != 0, kKnownDirection);
  if (f.sampling == 0) f.sampling = 1;
  return fit.ok();
}

inline void store_mac(uint64_t mac, uint8_t* to) {
  for (int i = 0; i < 6; ++i) to[i] = static_cast<uint8_t>(mac >> (8 * (5 - i)));
}

// What packets alone have: MACs, the top label, fragments of sampled packets.
template <typename Fields>
void read_packet(const Fields& m, Flow& f) {
  if ((m.number(kSrcMac) | m.number(kDstMac)) != 0) {
    store_mac(m.number(kSrcMac), f.src_mac);
    store_mac(m.number(kDstMac), f.dst_mac);
    f.known |= kKnownMac;
  }
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

template <typename Fields>
bool is_goflow2(const Fields& m) {
  const bool timed = m.number(kReceivedSeconds) != 0 || is_release_2(m);
  const size_t sampler = m.bytes(kSampler).size();
  return timed || sampler == 4 || sampler == 16;
}

// What is no flow although it may have addresses; or has none, as layer 2 has none, and counted nothing.
template <typename Fields>
bool is_not_ip(const Fields& m, const Flow& f) {
  const uint64_t etype = m.number(kEtype);
  if (etype != 0 && etype != kEtypeIpv4 && etype != kEtypeIpv6) return true;
  if (f.has(kKnownAddresses)) return false;
  return f.version == kSflowVersion || (f.bytes | f.packets) == 0;
}

template <typename Fields>
ProtobufDrop make_flow(const Fields& m, Flow& flow) {
  if (!is_goflow2(m)) return ProtobufDrop::kForeign;
  flow = Flow{};
  flow.version = version_of(m.number(kType));
  if (!read_times(m, flow)) return ProtobufDrop::kTime;
  if (!read_addresses(m, flow)) return ProtobufDrop::kAddress;
  const bool fits = read_counted(m, flow);
  if (!read_optional(m, flow) || !fits) return ProtobufDrop::kNumber;
  if (is_not_ip(m, flow)) return ProtobufDrop::kNotIp;
  read_packet(m, flow);
  return ProtobufDrop::kNone;
}

}  // namespace

ProtobufDrop Goflow2Decoder::decode(Bytes message, Flow& flow) {
  return fields_.parse(message) ? make_flow(fields_, flow) : ProtobufDrop::kMalformed;
}

bool Goflow2Decoder::recognises(Bytes message) {
  return fields_.parse(message) && is_goflow2(fields_) && fields_.number(kType) <= 4;
}

ProtobufDrop decode_goflow2_reference(Bytes message, Flow& flow) {
  WireFields fields;
  return fields.parse(message) ? make_flow(fields, flow) : ProtobufDrop::kMalformed;
}

}  // namespace netflowgen::flow
