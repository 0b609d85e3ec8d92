#include "flow/capture/udp_extract.h"

#include <algorithm>
#include <cstring>

namespace netflowgen::flow {
namespace {

using base::Cursor;
using base::load_be16;
using base::load_be32;

constexpr uint8_t kUdpProtocol = 17;
constexpr size_t kUdpHeader = 8;
constexpr int kMaxTags = 8;  // VLAN tags or extension headers in a row
constexpr size_t kMaxDatagram = 65535;
constexpr size_t kFragmentCost = 64;  // of memory, beside its bytes

enum EtherType : uint16_t {
  kEtherIpv4 = 0x0800,
  kEtherIpv6 = 0x86dd,
  kEtherVlan = 0x8100,
  kEtherQinq = 0x88a8,
  kEtherQinqOld = 0x9100,
  kEtherMpls = 0x8847,
  kEtherMplsMulticast = 0x8848,
  kEtherPppoe = 0x8864,
};

// Passes VLAN tags, MPLS labels and PPPoE; false when what is inside is not IP.
bool pass_tags(uint16_t type, Cursor& c) {
  for (int i = 0; i < kMaxTags; ++i) {
    switch (type) {
      case kEtherIpv4:
      case kEtherIpv6:
        return true;
      case kEtherVlan:
      case kEtherQinq:
      case kEtherQinqOld:
        c.skip(2);
        type = c.u16();
        break;
      case kEtherMpls:
      case kEtherMplsMulticast: {
        const uint32_t label = c.u32();
        if ((label >> 8 & 1) != 0) return c.ok();  // bottom of stack: the IP version tells the rest
        break;
      }
      case kEtherPppoe: {
        c.skip(6);
        const uint16_t ppp = c.u16();
        return ppp == 0x0021 || ppp == 0x0057;
      }
      default:
        return false;
    }
    if (c.failed()) return false;
  }
  return false;
}

IpAddr ip6_at(const uint8_t* p) {
  IpAddr a;
  std::memcpy(a.bytes.data(), p, 16);
  return a;
}

}  // namespace

bool UdpExtractor::drop(ExtractDrop reason) {
  ledger_.drop(reason);
  return false;
}

// The bytes from the IP header on.
bool UdpExtractor::strip_link(const Packet& packet, Bytes& ip) {
  Cursor c(packet.bytes);
  bool is_ip = true;
  switch (packet.link_type) {
    case kLinkEthernet:
      c.skip(12);
      is_ip = pass_tags(c.u16(), c);
      break;
    case kLinkLinuxSll:
      c.skip(14);
      is_ip = pass_tags(c.u16(), c);
      break;
    case kLinkLinuxSll2: {
      const uint16_t type = c.u16();
      c.skip(18);
      is_ip = pass_tags(type, c);
      break;
    }
    case kLinkNull:
    case kLinkLoop:
      c.skip(4);  // the address family, of one of several numberings: the IP version tells the same
      break;
    case kLinkPpp: {
      const uint8_t first = c.u8();
      if (first == 0xff) c.skip(2);  // address and control, then the upper half of the protocol
      const uint8_t protocol = first == 0x21 || first == 0x57 ? first : c.u8();
      is_ip = protocol == 0x21 || protocol == 0x57;
      break;
    }
    case kLinkRaw:
    case kLinkRawBsd:
    case kLinkRawOpenBsd:
    case kLinkIpv4:
    case kLinkIpv6:
      break;
    default:
      return drop(ExtractDrop::kLinkType);
  }
  if (c.failed()) return drop(ExtractDrop::kBadHeader);
  if (!is_ip) return drop(ExtractDrop::kNotIp);
  ip = packet.bytes.subspan(c.position());
  if (ip.empty()) return drop(ExtractDrop::kBadHeader);
  if (ip[0] >> 4 != 4 && ip[0] >> 4 != 6) return drop(ExtractDrop::kNotIp);
  return true;
}

bool UdpExtractor::parse_v4(Bytes bytes, Ip& ip) {
  if (bytes.size() < 20) return false;
  const uint8_t* p = bytes.data();
  const size_t header = size_t{p[0] & 0x0fu} * 4;
  size_t total = load_be16(p + 2);
  if (total == 0)
    total = bytes.size();  // segmentation offload: the capture was taken before the length was set
  if (header < 20 || total < header || bytes.size() < header) return false;
  const uint16_t fragment = load_be16(p + 6);
  ip.src = IpAddr::v4(load_be32(p + 12));
  ip.dst = IpAddr::v4(load_be32(p + 16));
  ip.protocol = p[9];
  ip.id = load_be16(p + 4);
  ip.more = (fragment & 0x2000) != 0;
  ip.offset = (fragment & 0x1fffu) * 8;
  ip.fragment = ip.more || ip.offset != 0;
  const size_t have = std::min(total, bytes.size());
  ip.payload = bytes.subspan(header, have - header);
  ip.missing = total - have;
  return true;
}

bool UdpExtractor::parse_v6(Bytes bytes, Ip& ip) {
  if (bytes.size() < 40) return false;
  const uint8_t* p = bytes.data();
  ip.src = ip6_at(p + 8);
  ip.dst = ip6_at(p + 24);
  const size_t length = load_be16(p + 4);
  const size_t have = std::min(length == 0 ? bytes.size() - 40 : length, bytes.size() - 40);
  ip.missing = length > have ? length - have : 0;
  Cursor c(bytes.subspan(40, have));
  uint8_t next = p[6];
  for (int i = 0; i < kMaxTags; ++i) {
    if (next == 0 || next == 43 || next == 60 || next == 135) {  // hop-by-hop, routing, destination, mobility
      next = c.u8();
      c.skip(size_t{c.u8()} * 8 + 6);
    } else if (next == 51) {  // authentication: length in words of 4
      next = c.u8();
      c.skip(size_t{c.u8()} * 4 + 6);
    } else if (next == 44) {
      next = c.u8();
      c.skip(1);
      const uint16_t fragment = c.u16();
      ip.id = c.u32();
      ip.offset = fragment & 0xfff8u;
      ip.more = (fragment & 1) != 0;
      ip.fragment = ip.more || ip.offset != 0;
      if (ip.offset != 0) break;  // what follows is the middle of a payload
    } else {
      break;
    }
    if (c.failed()) return false;
  }
  if (c.failed()) return false;
  ip.protocol = next;
  ip.payload = bytes.subspan(40 + c.position(), have - c.position());
  return true;
}

bool UdpExtractor::parse_ip(Bytes bytes, Ip& ip) {
  return bytes[0] >> 4 == 4 ? parse_v4(bytes, ip) : parse_v6(bytes, ip);
}

bool UdpExtractor::extract(const Packet& packet, Datagram& datagram) {
  ledger_.enter();
  expire(packet.time_ms);
  Bytes bytes;
  if (!strip_link(packet, bytes)) return false;
  Ip ip;
  if (!parse_ip(bytes, ip)) return drop(ExtractDrop::kBadHeader);
  if (ip.protocol != kUdpProtocol) return drop(ExtractDrop::kNotUdp);
  if (ip.fragment) return add_fragment(ip, packet.time_ms, datagram);
  return emit(ip, packet.time_ms, datagram);
}

bool UdpExtractor::emit(const Ip& ip, base::TimeMs time_ms, Datagram& datagram) {
  Cursor c(ip.payload);
  datagram.source_port = c.u16();
  datagram.dst_port = c.u16();
  const size_t length = c.u16();
  c.skip(2);
  // A length of 0 is a jumbogram or offloaded segmentation: the IP length counts.
  if (c.failed() || (length != 0 && length < kUdpHeader)) return drop(ExtractDrop::kBadHeader);
  const size_t payload = length == 0 ? c.left() : length - kUdpHeader;
  datagram.payload = c.bytes(std::min(payload, c.left()));
  if (payload > datagram.payload.size()) {
    if (ip.missing == 0) return drop(ExtractDrop::kBadHeader);  // longer than its packet
    ++cut_;
  }
  datagram.received_ms = time_ms;
  datagram.source = ip.src;
  ledger_.emit();
  return true;
}

bool UdpExtractor::add_fragment(const Ip& ip, base::TimeMs time_ms, Datagram& datagram) {
  const uint32_t size = static_cast<uint32_t>(ip.payload.size());
  const bool ragged = ip.more && size % 8 != 0;
  if (ip.missing != 0 || size == 0 || ragged || ip.offset + size > kMaxDatagram) {
    return drop(ExtractDrop::kBadHeader);
  }
  const Key key{ip.src, ip.dst, ip.id};
  const auto [it, fresh] = assemblies_.try_emplace(key);
  Assembly& a = it->second;
  if (fresh) {
    a.first_ms = time_ms;
    a.age = ages_.insert(ages_.end(), key);
  }
  for (const Fragment& f : a.fragments) {
    if (ip.offset < f.offset + f.bytes.size() && f.offset < ip.offset + size) {
      const bool same = f.offset == ip.offset && f.bytes.size() == size &&
                        std::memcmp(f.bytes.data(), ip.payload.data(), size) == 0;
      if (same) return drop(ExtractDrop::kMerged);  // a duplicate
      forget(it, ExtractDrop::kFragmentOverlap);
      return drop(ExtractDrop::kFragmentOverlap);
    }
  }
  if (!ip.more) a.total = ip.offset + size;
  a.have += size;
  a.fragments.push_back({ip.offset, {ip.payload.begin(), ip.payload.end()}});
  held_bytes_ += size + kFragmentCost;
  ledger_.set_held(++held_);
  if (a.total != 0 && a.have >= a.total) return assemble(it, ip, time_ms, datagram);
  while (assemblies_.size() > kMaxFragmented || held_bytes_ > kMaxFragmentBytes) {
    forget(assemblies_.find(ages_.front()), ExtractDrop::kFragmentEvicted);
  }
  return false;
}

bool UdpExtractor::assemble(std::map<Key, Assembly>::iterator it, const Ip& last, base::TimeMs time_ms,
                            Datagram& datagram) {
  const Assembly& a = it->second;
  Ip whole = last;
  assembled_.assign(a.total, 0);
  for (const Fragment& f : a.fragments) {
    if (f.offset + f.bytes.size() > a.total) {  // past the last fragment
      forget(it, ExtractDrop::kFragmentOverlap);
      return false;
    }
    std::memcpy(assembled_.data() + f.offset, f.bytes.data(), f.bytes.size());
  }
  const uint64_t count = a.fragments.size();
  held_ -= count;
  ledger_.set_held(held_);
  held_bytes_ -= a.have + a.fragments.size() * kFragmentCost;
  ages_.erase(a.age);
  assemblies_.erase(it);
  ledger_.drop(ExtractDrop::kMerged, count - 1);
  whole.payload = assembled_;
  return emit(whole, time_ms, datagram);
}

void UdpExtractor::forget(std::map<Key, Assembly>::iterator it, ExtractDrop reason) {
  const Assembly& a = it->second;
  ledger_.drop(reason, a.fragments.size());
  held_ -= a.fragments.size();
  ledger_.set_held(held_);
  held_bytes_ -= a.have + a.fragments.size() * kFragmentCost;
  ages_.erase(a.age);
  assemblies_.erase(it);
}

void UdpExtractor::expire(base::TimeMs now) {
  while (!ages_.empty()) {
    const auto it = assemblies_.find(ages_.front());
    if (now - it->second.first_ms <= kFragmentLife_ms) return;
    forget(it, ExtractDrop::kFragmentLost);
  }
}

void UdpExtractor::finish() {
  while (!ages_.empty()) forget(assemblies_.find(ages_.front()), ExtractDrop::kFragmentLost);
}

}  // namespace netflowgen::flow
