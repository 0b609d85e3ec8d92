// nfg_flow and flow::Flow: the same fields, copied one by one, so that either may change its layout.
#pragma once

#include <cstring>

#include "capi/netflowgen.h"
#include "flow/record.h"

namespace netflowgen::capi {

template <typename From, typename To>
void copy_octets(const From& from, To& to) {
  static_assert(sizeof from == sizeof to);
  std::memcpy(static_cast<void*>(&to), &from, sizeof to);  // plain data (flow/record.h)
}

template <typename T>
void same(const T& from, T& to) {  // of one type: nothing is converted
  to = from;
}

// Both ways: From and To are nfg_flow and flow::Flow.
template <typename From, typename To>
void copy_fields(const From& from, To& to) {
  same(from.start_ms, to.start_ms);
  same(from.end_ms, to.end_ms);
  same(from.received_ms, to.received_ms);
  copy_octets(from.src, to.src);
  copy_octets(from.dst, to.dst);
  copy_octets(from.exporter, to.exporter);
  copy_octets(from.next_hop, to.next_hop);
  copy_octets(from.nat_src, to.nat_src);
  copy_octets(from.nat_dst, to.nat_dst);
  same(from.bytes, to.bytes);
  same(from.packets, to.packets);
  same(from.sampling, to.sampling);
  same(from.flows, to.flows);
  same(from.known, to.known);
  same(from.domain, to.domain);
  same(from.in_if, to.in_if);
  same(from.out_if, to.out_if);
  same(from.src_as, to.src_as);
  same(from.dst_as, to.dst_as);
  same(from.vrf_in, to.vrf_in);
  same(from.vrf_out, to.vrf_out);
  same(from.mpls_label, to.mpls_label);
  same(from.src_port, to.src_port);
  same(from.dst_port, to.dst_port);
  same(from.nat_src_port, to.nat_src_port);
  same(from.nat_dst_port, to.nat_dst_port);
  same(from.vlan_in, to.vlan_in);
  same(from.vlan_out, to.vlan_out);
  same(from.icmp_type_code, to.icmp_type_code);
  same(from.event, to.event);
  same(from.protocol, to.protocol);
  same(from.tcp_flags, to.tcp_flags);
  same(from.tos, to.tos);
  same(from.ttl, to.ttl);
  same(from.src_mask, to.src_mask);
  same(from.dst_mask, to.dst_mask);
  same(from.direction, to.direction);
  same(from.fragment, to.fragment);
  same(from.version, to.version);
  copy_octets(from.src_mac, to.src_mac);
  copy_octets(from.dst_mac, to.dst_mac);
}

}  // namespace netflowgen::capi
