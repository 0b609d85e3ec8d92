#include "flow/reverse.h"

#include <span>
#include <utility>

namespace netflowgen::flow {
namespace {

// Request and answer.
constexpr std::pair<uint8_t, uint8_t> kPairs4[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
constexpr std::pair<uint8_t, uint8_t> kPairs6[] = {{128, 129}, {130, 131}, {133, 134},
                                                   {135, 136}, {139, 140}, {144, 145}};

constexpr uint32_t kOneWay = kKnownBytes | kKnownPackets | kKnownTcpFlags | kKnownTos | kKnownTtl |
                             kKnownFragment | kKnownNextHop | kKnownMpls | kKnownDirection;

}  // namespace

std::optional<uint8_t> icmp_counterpart(uint8_t protocol, uint8_t type) {
  if (protocol != kIcmp && protocol != kIcmp6) return std::nullopt;
  const auto pairs = protocol == kIcmp ? std::span<const std::pair<uint8_t, uint8_t>>(kPairs4) : kPairs6;
  for (const auto& [request, answer] : pairs) {
    if (type == request) return answer;
    if (type == answer) return request;
  }
  return std::nullopt;
}

void reverse(Flow& r) {
  r.known &= ~kOneWay;
  std::swap(r.src, r.dst);
  std::swap(r.src_port, r.dst_port);
  std::swap(r.nat_src, r.nat_dst);
  std::swap(r.nat_src_port, r.nat_dst_port);
  std::swap(r.in_if, r.out_if);
  std::swap(r.src_as, r.dst_as);
  std::swap(r.src_mask, r.dst_mask);
  std::swap(r.vlan_in, r.vlan_out);
  std::swap(r.vrf_in, r.vrf_out);
  std::swap(r.src_mac, r.dst_mac);
  r.next_hop = IpAddr{};
  r.bytes = r.packets = 0;
  r.mpls_label = 0;
  r.tcp_flags = r.tos = r.ttl = r.direction = r.fragment = 0;
  const auto answer = icmp_counterpart(r.protocol, static_cast<uint8_t>(r.icmp_type_code >> 8));
  r.icmp_type_code = r.has(kKnownIcmp) && answer ? static_cast<uint16_t>(*answer << 8) : uint16_t{0};
  if (!answer) r.known &= ~uint32_t{kKnownIcmp};
}

Flow reversed(const Flow& flow) {
  Flow r = flow;
  reverse(r);
  return r;
}

}  // namespace netflowgen::flow
