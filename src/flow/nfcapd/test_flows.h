// Shared by the tests of nfcapd files: flows to write, a file read to its end, and every layout.
#pragma once

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "flow/nfcapd/reader.h"
#include "flow/nfcapd/test_writer.h"

namespace netflowgen::flow {

using nfcapd::Compression;
using nfcapd::TestWriter;

inline IpAddr ip(const char* text) { return *IpAddr::parse(text); }

// Flow number i with every group that both layouts hold; every third one is IPv6.
inline Flow sample(uint64_t i) {
  base::Random random(i);
  Flow f;
  f.start_ms = 1'700'000'000'000 + static_cast<TimeMs>(random.below(100000));
  f.end_ms = f.start_ms + static_cast<TimeMs>(random.below(60000));
  f.received_ms = f.end_ms + 1234;
  const bool v6 = i % 3 == 2;
  f.src = v6 ? ip("2001:db8::17") : IpAddr::v4(static_cast<uint32_t>(random.next()));
  f.dst = v6 ? ip("2001:db8:ffff::1") : IpAddr::v4(static_cast<uint32_t>(random.next()));
  f.exporter = v6 ? ip("2001:db8::e") : ip("192.0.2.1");
  f.next_hop = v6 ? ip("fe80::1") : ip("192.0.2.254");
  f.nat_src = v6 ? ip("2001:db8:a::") : ip("198.51.100.1");
  f.nat_dst = v6 ? ip("2001:db8:b::") : ip("198.51.100.2");
  f.bytes = i % 5 == 0 ? (uint64_t{7} << 32) + i : 1000 + i;
  f.packets = i % 7 == 0 ? (uint64_t{3} << 32) + i : 10 + i;
  f.in_if = 1 + static_cast<uint32_t>(i);
  f.out_if = 70000;
  f.src_as = 64500;
  f.dst_as = 4200000000;
  f.vrf_in = 11;
  f.vrf_out = 12;
  f.mpls_label = 0xabcde;
  f.src_port = static_cast<uint16_t>(random.next());
  f.dst_port = static_cast<uint16_t>(random.next());
  f.nat_src_port = 1111;
  f.nat_dst_port = 2222;
  f.vlan_in = 100;
  f.vlan_out = 4094;
  f.event = 4;
  f.protocol = v6 ? kTcp : kUdp;
  f.tcp_flags = 0x1b;
  f.tos = 0xb8;
  f.src_mask = 24;
  f.dst_mask = 64;
  f.direction = 1;
  f.version = 9;
  f.domain = 256;
  for (uint8_t k = 0; k < 6; ++k) {
    f.src_mac[k] = k;
    f.dst_mac[k] = static_cast<uint8_t>(0xa0 + k);
  }
  f.known = kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags | kKnownDuration |
            kKnownInterfaces | kKnownAs | kKnownSampling | kKnownTos | kKnownNat | kKnownVlan | kKnownMpls |
            kKnownMasks | kKnownNextHop | kKnownAddresses | kKnownEvent | kKnownVrf | kKnownMac |
            kKnownDirection;
  return f;
}

// A flow with addresses, ports, counters and interfaces, as most archives hold.
inline Flow plain(uint64_t i) {
  const Flow full = sample(i * 3);
  Flow f;
  f.start_ms = full.start_ms;
  f.end_ms = full.end_ms;
  f.received_ms = full.received_ms;
  f.src = full.src;
  f.dst = full.dst;
  f.bytes = full.bytes;
  f.packets = full.packets;
  f.src_port = full.src_port;
  f.dst_port = full.dst_port;
  f.in_if = full.in_if;
  f.out_if = full.out_if;
  f.protocol = full.protocol;
  f.tcp_flags = full.tcp_flags;
  f.tos = full.tos;
  f.src_mask = full.src_mask;
  f.dst_mask = full.dst_mask;
  f.direction = full.direction;
  f.version = 9;
  f.domain = 256;
  f.known = kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags | kKnownDuration |
            kKnownTos | kKnownAddresses | kKnownInterfaces | kKnownMasks | kKnownDirection;
  return f;
}

inline std::string describe(const Flow& f) {
  return fmt::format(
      "{} {} {} {}>{} {} hop {} nat {}>{} {}/{} x{} {:x} dom {} if {}>{} as {}>{} vrf {}>{} mpls {} {}>{} "
      "{}>{} vlan {}>{} icmp {} ev {} p{} f{} tos{} ttl{} m{}>{} d{} frag{} v{} {:02x}{:02x}",
      f.start_ms, f.end_ms, f.received_ms, f.src.to_string(), f.dst.to_string(), f.exporter.to_string(),
      f.next_hop.to_string(), f.nat_src.to_string(), f.nat_dst.to_string(), f.bytes, f.packets, f.sampling,
      f.known, f.domain, f.in_if, f.out_if, f.src_as, f.dst_as, f.vrf_in, f.vrf_out, f.mpls_label, f.src_port,
      f.dst_port, f.nat_src_port, f.nat_dst_port, f.vlan_in, f.vlan_out, f.icmp_type_code, f.event,
      f.protocol, f.tcp_flags, f.tos, f.ttl, f.src_mask, f.dst_mask, f.direction, f.fragment, f.version,
      f.src_mac[5], f.dst_mac[0]);
}

struct ReadBack {
  std::vector<Flow> flows;
  nfcapd::Reader reader;
  std::string problem;
};

inline ReadBack read_all(std::string_view file, size_t batch = 100) {
  ReadBack result;
  MemoryInput input({reinterpret_cast<const uint8_t*>(file.data()), file.size()});
  const auto header = nfcapd::read_header(input);
  result.problem = header.problem;
  if (!header.info) return result;
  result.reader.begin(input, *header.info);
  std::vector<Flow> flows(batch);
  while (const size_t n = result.reader.read(flows)) {
    result.flows.insert(result.flows.end(), flows.begin(), flows.begin() + static_cast<ptrdiff_t>(n));
  }
  EXPECT_TRUE(result.reader.blocks().view("").balanced());
  EXPECT_TRUE(result.reader.records().view("").balanced());
  return result;
}

struct Layout {
  TestWriter::Options options;
  std::string name;
};

inline std::vector<Layout> layouts() {
  std::vector<Layout> all;
  const char* names[] = {"none", "lzo", "bz2", "lz4", "zstd"};
  for (const uint16_t layout : {uint16_t{1}, uint16_t{2}}) {
    for (size_t c = 0; c < (layout == 1 ? 4 : 5); ++c) {
      for (const bool big : {false, true}) {
        TestWriter::Options o;
        o.layout = layout;
        o.compression = static_cast<Compression>(c);
        o.big_endian = big;
        o.block_bytes = 20000;
        all.push_back({o, fmt::format("layout{}_{}_{}", layout, names[c], big ? "big" : "little")});
      }
    }
  }
  return all;
}

}  // namespace netflowgen::flow
