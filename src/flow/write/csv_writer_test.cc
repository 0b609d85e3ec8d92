#include "flow/write/csv_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/ip.h"
#include "base/random.h"
#include "base/time.h"
#include "flow/open.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

namespace fs = std::filesystem;

std::string scratch(const std::string& name) {
  const fs::path dir = fs::path(testing::TempDir()) / ("nfg_writer_" + std::to_string(::getpid()));
  fs::create_directories(dir);
  return (dir / name).string();
}

// A number of at most `bits` bits, small ones as likely as large ones.
template <typename T>
T any(base::Random& random, unsigned bits = sizeof(T) * 8) {
  return static_cast<T>(random.next() >> (64 - bits + random.below(bits)));
}

IpAddr any_address(base::Random& random) {
  if (random.chance(0.5)) return IpAddr::v4(any<uint32_t>(random));
  IpAddr a;
  for (auto& b : a.bytes) b = static_cast<uint8_t>(random.next());
  return a;
}

// A flow with random groups known and every field of the others zero.
Flow any_flow(base::Random& random) {
  Flow f;
  f.known = static_cast<uint32_t>(random.next()) & ((kKnownTtl << 1) - 1);
  const auto has = [&](uint32_t group) { return (f.known & group) != 0; };
  f.start_ms = static_cast<TimeMs>(random.below(4000000000000));
  f.end_ms = has(kKnownDuration) ? f.start_ms + any<uint32_t>(random) : f.start_ms;
  f.received_ms = random.chance(0.5) ? f.end_ms : f.end_ms + any<uint16_t>(random);
  if (has(kKnownAddresses)) f.src = any_address(random), f.dst = any_address(random);
  if (has(kKnownPorts)) f.src_port = any<uint16_t>(random), f.dst_port = any<uint16_t>(random);
  if (has(kKnownProtocol)) f.protocol = any<uint8_t>(random);
  if (has(kKnownTcpFlags)) f.tcp_flags = any<uint8_t>(random);
  if (has(kKnownPackets)) f.packets = any<uint64_t>(random);
  if (has(kKnownBytes)) f.bytes = any<uint64_t>(random);
  if (has(kKnownSampling)) f.sampling = any<uint32_t>(random) | 1;
  if (has(kKnownInterfaces)) f.in_if = any<uint32_t>(random), f.out_if = any<uint32_t>(random);
  if (has(kKnownAs)) f.src_as = any<uint32_t>(random), f.dst_as = any<uint32_t>(random);
  if (has(kKnownMasks)) f.src_mask = any<uint8_t>(random), f.dst_mask = any<uint8_t>(random);
  if (has(kKnownNextHop)) f.next_hop = any_address(random);
  if (has(kKnownTos)) f.tos = any<uint8_t>(random);
  if (has(kKnownTtl)) f.ttl = any<uint8_t>(random);
  if (has(kKnownVlan)) f.vlan_in = any<uint16_t>(random), f.vlan_out = any<uint16_t>(random);
  if (has(kKnownIcmp)) f.icmp_type_code = any<uint16_t>(random);
  if (has(kKnownFragment)) f.fragment = any<uint8_t>(random);
  if (has(kKnownDirection)) f.direction = any<uint8_t>(random);
  if (has(kKnownEvent)) f.event = any<uint16_t>(random);
  if (has(kKnownNat)) {
    f.nat_src = any_address(random), f.nat_dst = any_address(random);
    f.nat_src_port = any<uint16_t>(random), f.nat_dst_port = any<uint16_t>(random);
  }
  if (has(kKnownMpls)) f.mpls_label = any<uint32_t>(random);
  if (has(kKnownVrf)) f.vrf_in = any<uint32_t>(random), f.vrf_out = any<uint32_t>(random);
  if (has(kKnownMac)) {
    for (auto& b : f.src_mac) b = any<uint8_t>(random);
    for (auto& b : f.dst_mac) b = any<uint8_t>(random);
  }
  if (random.chance(0.5)) f.exporter = any_address(random);
  f.domain = any<uint32_t>(random);
  f.version = any<uint8_t>(random);
  if (random.chance(0.2)) f.flows = any<uint32_t>(random);
  SettleCounts counts;
  settle(f, counts);  // as every reader does
  return f;
}

std::vector<Flow> read_all(const std::string& path) {
  const auto source =
      open_flows({.paths = {path}, .dialect = "", .map = "", .strict = true, .assume_time = {}});
  std::vector<Flow> flows;
  std::vector<Flow> batch(1000);
  while (const size_t n = source->read(batch))
    flows.insert(flows.end(), batch.begin(), batch.begin() + static_cast<long>(n));
  return flows;
}

// Field by field, because padding bytes may differ.
std::string text_of(const Flow& f) {
  std::string text = fmt::format("{:x} {} {} {} ", f.known, f.start_ms, f.end_ms, f.received_ms);
  for (const auto& a : {f.src, f.dst, f.exporter, f.next_hop, f.nat_src, f.nat_dst})
    text += a.to_string() + " ";
  for (const uint64_t v : {f.bytes,
                           f.packets,
                           uint64_t{f.sampling},
                           uint64_t{f.flows},
                           uint64_t{f.domain},
                           uint64_t{f.in_if},
                           uint64_t{f.out_if},
                           uint64_t{f.src_as},
                           uint64_t{f.dst_as},
                           uint64_t{f.vrf_in},
                           uint64_t{f.vrf_out},
                           uint64_t{f.mpls_label},
                           uint64_t{f.src_port},
                           uint64_t{f.dst_port},
                           uint64_t{f.nat_src_port},
                           uint64_t{f.nat_dst_port},
                           uint64_t{f.vlan_in},
                           uint64_t{f.vlan_out},
                           uint64_t{f.icmp_type_code},
                           uint64_t{f.event},
                           uint64_t{f.protocol},
                           uint64_t{f.tcp_flags},
                           uint64_t{f.tos},
                           uint64_t{f.ttl},
                           uint64_t{f.src_mask},
                           uint64_t{f.dst_mask},
                           uint64_t{f.direction},
                           uint64_t{f.fragment},
                           uint64_t{f.version}}) {
    text += std::to_string(v) + " ";
  }
  for (const auto b : f.src_mac) text += std::to_string(b) + ":";
  for (const auto b : f.dst_mac) text += std::to_string(b) + ":";
  return text;
}

TEST(CsvFlowWriter, WhatIsWrittenIsReadBackEqual) {
  base::Random random(7);
  std::vector<Flow> flows;
  for (int i = 0; i < 5000; ++i) flows.push_back(any_flow(random));
  for (const char* name : {"flows.csv", "flows.csv.zst", "flows.csv.gz"}) {
    const auto path = scratch(name);
    CsvFlowWriter writer(path, kCsvAll);
    writer.write(flows);
    writer.close();
    const auto back = read_all(path);
    ASSERT_EQ(back.size(), flows.size()) << name;
    for (size_t i = 0; i < flows.size(); ++i)
      ASSERT_EQ(text_of(back[i]), text_of(flows[i])) << name << " flow " << i;
  }
  fs::remove_all(fs::path(scratch("")).parent_path());
}

TEST(CsvFlowWriter, CoreIsReadableByPeople) {
  Flow f;
  f.start_ms = 896861520000;
  f.end_ms = 896861520500;
  f.src = *IpAddr::parse("172.16.112.20");
  f.dst = *IpAddr::parse("2001:db8::1");
  f.src_port = 1024;
  f.dst_port = 80;
  f.protocol = kTcp;
  f.tcp_flags = kSyn | kAck;
  f.packets = 3;
  f.bytes = 180;
  f.known = kCsvCore;
  const auto path = scratch("core.csv");
  CsvFlowWriter writer(path);
  writer.write(f);
  f.known = kKnownAddresses;
  writer.write(f);
  writer.close();
  EXPECT_EQ(base::read_file(path),
            "start,end,src,dst,src_port,dst_port,protocol,tcp_flags,packets,bytes\n"
            "1998-06-03T08:12:00Z,1998-06-03T08:12:00.500Z,172.16.112.20,2001:db8::1,1024,80,tcp,SA,3,180\n"
            "1998-06-03T08:12:00Z,,172.16.112.20,2001:db8::1,,,,,,\n");
  fs::remove_all(fs::path(scratch("")).parent_path());
}

TEST(CsvFlowWriter, NotClosedLeavesNoFile) {
  const auto path = scratch("abandoned.csv");
  { CsvFlowWriter writer(path); }
  EXPECT_FALSE(fs::exists(path));
  fs::remove_all(fs::path(scratch("")).parent_path());
}

}  // namespace
}  // namespace netflowgen::flow
