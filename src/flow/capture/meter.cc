#include "flow/capture/meter.h"

#include <algorithm>

#include "base/random.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kSllHeader = 14;  // before the EtherType
constexpr size_t kSll2Header = 20;
constexpr TimeMs kFragmentLife_ms = 30'000;
constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherIpv6 = 0x86dd;

// Where the packet starts and how it is to be read; false: a link type that is not read.
bool link_of(const Packet& packet, base::Bytes& bytes, PacketLink& link) {
  size_t skip = 0;
  link = PacketLink::kIp;
  switch (packet.link_type) {
    case kLinkEthernet:
      link = PacketLink::kEthernet;
      break;
    case kLinkLinuxSll:
      skip = kSllHeader;
      link = PacketLink::kEtherType;
      break;
    case kLinkLinuxSll2:
      skip = kSll2Header;
      break;
    case kLinkNull:
    case kLinkLoop:
      skip = 4;
      break;
    case kLinkPpp:
      link = PacketLink::kPpp;
      break;
    case kLinkRaw:
    case kLinkRawBsd:
    case kLinkRawOpenBsd:
    case kLinkIpv4:
    case kLinkIpv6:
      break;
    default:
      return false;
  }
  bytes = packet.bytes.subspan(std::min(skip, packet.bytes.size()));
  return true;
}

uint64_t mix_address(uint64_t h, const IpAddr& a) { return base::mix64(h ^ a.hash()); }

}  // namespace

size_t Meter::KeyHash::operator()(const Key& k) const {
  uint64_t h = mix_address(
      uint64_t{k.src_port} << 40 | uint64_t{k.dst_port} << 24 | uint64_t{k.icmp_type_code} << 8 | k.protocol,
      k.src);
  return static_cast<size_t>(mix_address(h, k.dst));
}

void Meter::append(List& list, Links Entry::*links, uint32_t at) {
  entries_[at].*links = {list.last, kNone};
  (list.last == kNone ? list.first : (entries_[list.last].*links).next) = at;
  list.last = at;
}

void Meter::remove(List& list, Links Entry::*links, uint32_t at) {
  const Links here = entries_[at].*links;
  (here.previous == kNone ? list.first : (entries_[here.previous].*links).next) = here.next;
  (here.next == kNone ? list.last : (entries_[here.next].*links).previous) = here.previous;
}

// The headers of the packet's IP layers, whose offsets count from `skipped` on; false: it is dropped.
bool Meter::headers(const Packet& packet, PacketHeaders& headers, size_t& skipped) {
  base::Bytes bytes;
  PacketLink link{};
  if (!link_of(packet, bytes, link)) {
    packets_.drop(MeterDrop::kLinkType);
    return false;
  }
  skipped = packet.bytes.size() - bytes.size();
  headers = parse_packet(bytes, link);
  if (headers.ip_layers > 0) return true;
  const bool ip = headers.ether_type == kEtherIpv4 || headers.ether_type == kEtherIpv6 ||
                  (link == PacketLink::kIp && (bytes.empty() || bytes[0] >> 4 == 4 || bytes[0] >> 4 == 6));
  packets_.drop(ip ? MeterDrop::kBadHeader : MeterDrop::kNotIp);
  return false;
}

// Keeps the ports of a datagram's first fragment, and gives them to the later ones. One slot a hash value: a
// datagram that is pushed out of its slot by another leaves its later fragments without ports.
void Meter::resolve_fragment(IpLayer& ip) {
  if (fragments_.empty()) fragments_.resize(kMaxFragments);
  const uint64_t hash = mix_address(mix_address(ip.fragment_id, ip.src), ip.dst);
  Fragment& f = fragments_[hash % kMaxFragments];
  if (ip.fragment_offset == 0) {
    f = {ip.src,      ip.dst, ip.fragment_id, ip.src_port, ip.dst_port, ip.icmp_type_code,
         ip.protocol, true,   packet_time_};
    return;
  }
  const bool same = f.used && f.src == ip.src && f.dst == ip.dst && f.id == ip.fragment_id &&
                    f.protocol == ip.protocol && packet_time_ - f.time_ms <= kFragmentLife_ms;
  if (!same) return;
  ip.src_port = f.src_port;
  ip.dst_port = f.dst_port;
  ip.icmp_type_code = f.icmp_type_code;
}

void Meter::add(const Packet& packet, std::vector<Flow>& ended) {
  packets_.enter();
  PacketHeaders h;
  size_t skipped = 0;
  if (!headers(packet, h, skipped)) return;
  const bool inner = keys_ == TunnelKeys::kInner;
  IpLayer ip = inner ? h.inner : h.outer;
  packet_time_ = packet.time_ms != 0 ? packet.time_ms : now_;
  now_ = std::max(now_, packet_time_);
  expire(ended);
  // A length of 0 is segmentation offload: the capture was taken before the length was set.
  const uint64_t before = std::min<uint64_t>(skipped + ip.at, packet.original);
  const uint64_t bytes = ip.length != 0 ? ip.length : packet.original - before;
  if (ip.fragment) resolve_fragment(ip);
  const Key key{ip.src, ip.dst, ip.src_port, ip.dst_port, ip.icmp_type_code, ip.protocol};
  const uint32_t at = entry_of(key, ip, ended);
  count(entries_[at], ip, h, bytes);
  Entry& entry = entries_[at];
  remove(use_list(entry), &Entry::by_use, at);
  entry.closing = entry.closing || (ip.tcp_flags & (kFin | kRst)) != 0;
  append(use_list(entry), &Entry::by_use, at);
  packets_.set_held(++held_);
}

// The open flow of a key, or a new one.
uint32_t Meter::entry_of(const Key& key, const IpLayer& ip, std::vector<Flow>& ended) {
  if (const auto it = index_.find(key); it != index_.end()) {
    const bool anew = entries_[it->second].closing && (ip.tcp_flags & (kSyn | kAck)) == kSyn;
    if (!anew) return it->second;
    close(it->second, ended);
  }
  if (index_.size() >= options_.max_flows) {
    ++evicted_;
    close(closing_.first != kNone ? closing_.first : live_.first, ended);
  }
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  const uint32_t at = free_.back();
  free_.pop_back();
  entries_[at] = {};
  entries_[at].key = key;
  Flow& f = entries_[at].flow;
  f.start_ms = f.end_ms = packet_time_;
  f.src = key.src;
  f.dst = key.dst;
  f.src_port = key.src_port;
  f.dst_port = key.dst_port;
  f.protocol = key.protocol;
  f.icmp_type_code = key.icmp_type_code;
  f.tos = ip.tos;
  f.known = kKnownBytes | kKnownPackets | kKnownProtocol | kKnownAddresses | kKnownDuration | kKnownFragment |
            kKnownTos;
  append(live_, &Entry::by_use, at);
  append(started_, &Entry::by_start, at);
  index_.emplace(key, at);
  return at;
}

void Meter::count(Entry& entry, const IpLayer& ip, const PacketHeaders& h, uint64_t bytes) {
  Flow& f = entry.flow;
  if (f.packets == 0 && h.has_vlan) {
    f.vlan_in = f.vlan_out = h.vlan;
    f.known |= kKnownVlan;
  }
  ++f.packets;
  f.bytes += bytes;
  f.start_ms = std::min(f.start_ms, packet_time_);
  f.end_ms = std::max(f.end_ms, packet_time_);
  f.tcp_flags |= ip.tcp_flags;
  f.fragment |= static_cast<uint8_t>(ip.fragment);
  const bool ports = ip.has_ports || f.src_port != 0 || f.dst_port != 0;
  f.known |=
      (ports ? kKnownPorts : 0u) | (ip.has_flags ? kKnownTcpFlags : 0u) | (ip.has_icmp ? kKnownIcmp : 0u);
}

// Exports a flow and frees its place.
void Meter::close(uint32_t at, std::vector<Flow>& ended) {
  Entry& entry = entries_[at];
  entry.flow.received_ms = entry.flow.end_ms;
  ended.push_back(entry.flow);
  ++exported_;
  held_ -= entry.flow.packets;
  packets_.set_held(held_);
  packets_.emit(entry.flow.packets);
  remove(use_list(entry), &Entry::by_use, at);
  remove(started_, &Entry::by_start, at);
  index_.erase(entry.key);
  free_.push_back(at);
}

void Meter::expire(std::vector<Flow>& ended) {
  const auto idle = [&](const List& list, int64_t limit) {
    while (list.first != kNone && now_ - entries_[list.first].flow.end_ms > limit) close(list.first, ended);
  };
  idle(closing_, std::min<int64_t>(kLinger_ms, options_.inactive_ms));
  idle(live_, options_.inactive_ms);
  while (started_.first != kNone && now_ - entries_[started_.first].flow.start_ms > options_.active_ms)
    close(started_.first, ended);
}

void Meter::finish(std::vector<Flow>& ended) {
  while (started_.first != kNone) close(started_.first, ended);
}

}  // namespace netflowgen::flow
