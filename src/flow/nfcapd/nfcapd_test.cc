#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "base/random.h"
#include "flow/nfcapd/nfcapd_source.h"
#include "flow/nfcapd/reader.h"
#include "flow/nfcapd/test_writer.h"

namespace netflowgen::flow {
namespace {

using nfcapd::BlockDrop;
using nfcapd::Compression;
using nfcapd::RecordDrop;
using nfcapd::TestWriter;

IpAddr ip(const char* text) { return *IpAddr::parse(text); }

// Flow number i with every group that both layouts hold; every third one is IPv6.
Flow sample(uint64_t i) {
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
Flow plain(uint64_t i) {
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

std::string describe(const Flow& f) {
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

ReadBack read_all(std::string_view file, size_t batch = 100) {
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

std::vector<Layout> layouts() {
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

class NfcapdLayout : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(All, NfcapdLayout, ::testing::ValuesIn(layouts()),
                         [](const auto& p) { return p.param.name; });

TEST_P(NfcapdLayout, EveryFieldComesBack) {
  TestWriter writer(GetParam().options);
  std::vector<Flow> written;
  writer.exporter(1, sample(0));
  for (uint64_t i = 0; i < 500; ++i) {
    written.push_back(sample(i));
    if (i % 2 == 1) {  // some with few fields
      written.back() = plain(i);
      written.back().exporter = ip("192.0.2.1");
    }
    writer.flow(written.back());
  }
  const auto read = read_all(writer.file());
  ASSERT_EQ(read.problem, "");
  ASSERT_EQ(read.flows.size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) ASSERT_EQ(describe(read.flows[i]), describe(written[i])) << i;
  EXPECT_EQ(read.reader.records().in(), written.size());
  EXPECT_GT(read.reader.blocks().out(), 2u);
  EXPECT_EQ(read.reader.blocks().in(), read.reader.blocks().out());
}

// Every prefix of a file gives a prefix of its flows, and never fewer than the whole blocks before the cut.
TEST_P(NfcapdLayout, TruncatedFilesGiveWhatIsThere) {
  auto options = GetParam().options;
  options.block_bytes = 3000;
  TestWriter writer(options);
  std::vector<std::string> written;
  std::vector<std::pair<size_t, size_t>> boundaries;  // file size, flows in it
  for (uint64_t i = 0; i < 150; ++i) {
    const Flow f = sample(i);
    writer.flow(f);
    written.push_back(describe(f));
    if (i % 25 == 24) boundaries.emplace_back(writer.file().size(), i + 1);
  }
  const std::string file = writer.file();
  for (size_t size = 300; size < file.size(); size += 97) {
    const auto read = read_all(file.substr(0, size));
    size_t whole = 0;
    for (const auto& [end, flows] : boundaries) whole = end <= size ? flows : whole;
    ASSERT_GE(read.flows.size(), whole) << size;
    ASSERT_LE(read.flows.size(), written.size());
    for (size_t i = 0; i < read.flows.size(); ++i) {
      Flow f = read.flows[i];
      f.version = 9;
      f.domain = 256;  // no exporter record in this file
      ASSERT_EQ(describe(f), written[i]) << size;
    }
    ASSERT_GT(read.reader.blocks().view("").dropped(), 0u) << "a cut file is told, " << size;
  }
}

// One flipped bit costs little: the blocks around it, and of a stored block the records around it.
TEST_P(NfcapdLayout, FlippedBitsCostOnlyTheirPlace) {
  auto options = GetParam().options;
  options.block_bytes = 4000;
  TestWriter writer(options);
  for (uint64_t i = 0; i < 200; ++i) writer.flow(plain(i));
  const std::string file = writer.file();
  const size_t header = options.layout == 1 ? nfcapd::kHeader1 + nfcapd::kStat1 : nfcapd::kHeader2;
  const size_t all = read_all(file).flows.size();
  ASSERT_EQ(all, 200u);
  base::Random random(7);
  for (int i = 0; i < 700; ++i) {
    std::string bad = file;
    const size_t at = header + random.below(bad.size() - header);
    bad[at] = static_cast<char>(bad[at] ^ (1 << random.below(8)));
    const auto read = read_all(bad);
    // Blocks hold about 40 flows; a flip in a header can cost the block before it too.
    ASSERT_GE(read.flows.size(), 110u) << at;
    ASSERT_LE(read.flows.size(), 201u) << at;
  }
}

TEST(Nfcapd, StoredBlocksLoseOneRecordToAFlippedLength) {
  TestWriter writer;
  for (uint64_t i = 0; i < 100; ++i) writer.flow(plain(i));
  std::string file = writer.file();
  const size_t record = (file.size() - nfcapd::kHeader2 - nfcapd::kBlockHeader) / 100;
  file[nfcapd::kHeader2 + nfcapd::kBlockHeader + 50 * record + 3] = 0x7f;  // the 51st record's size
  const auto read = read_all(file);
  EXPECT_EQ(read.flows.size(), 99u);
  EXPECT_EQ(read.reader.records().dropped(RecordDrop::kInDamage), 1u);
}

TEST(Nfcapd, SmallBatchesGiveTheSameFlows) {
  TestWriter writer;
  for (uint64_t i = 0; i < 100; ++i) writer.flow(sample(i));
  const std::string file = writer.file();
  const auto a = read_all(file, 1);
  const auto b = read_all(file, 1000);
  ASSERT_EQ(a.flows.size(), 100u);
  for (size_t i = 0; i < 100; ++i) ASSERT_EQ(describe(a.flows[i]), describe(b.flows[i]));
}

TEST(Nfcapd, OldRecordsWithEightBitExporterNumbers) {
  TestWriter::Options options;
  options.layout = 1;
  options.v0_records = true;
  TestWriter writer(options);
  Flow f = plain(1);
  f.exporter = ip("203.0.113.9");
  writer.exporter(200, f);
  f.exporter = {};
  writer.flow(f, 200);
  const auto read = read_all(writer.file());
  ASSERT_EQ(read.flows.size(), 1u);
  EXPECT_EQ(read.flows[0].exporter, ip("203.0.113.9"));
  EXPECT_EQ(read.flows[0].bytes, f.bytes);
}

TEST(Nfcapd, TheExporterRecordNamesAddressDomainAndVersion) {
  for (const bool big : {false, true}) {
    for (const char* address : {"203.0.113.9", "2001:db8::9"}) {
      TestWriter::Options options;
      options.big_endian = big;
      TestWriter writer(options);
      Flow f = plain(1);
      f.version = 105;
      f.exporter = ip(address);
      writer.exporter(7, f);
      f.exporter = {};
      f.version = 0;
      writer.flow(f, 7);
      const auto read = read_all(writer.file());
      ASSERT_EQ(read.flows.size(), 1u);
      EXPECT_EQ(read.flows[0].exporter, ip(address));
      EXPECT_EQ(read.flows[0].domain, 256u);
      EXPECT_EQ(read.flows[0].version, 105);
    }
  }
}

TEST(Nfcapd, NatEventsOfBothSevens) {
  for (const bool with_vrf : {true, false}) {
    TestWriter::Options options;
    options.nat_with_vrf = with_vrf;
    TestWriter writer(options);
    writer.flow(sample(1));
    const auto read = read_all(writer.file());
    ASSERT_EQ(read.flows.size(), 1u);
    EXPECT_EQ(read.flows[0].event, 4);
    EXPECT_EQ(read.flows[0].vrf_in, 11u);
    EXPECT_EQ(read.flows[0].vrf_out, 12u);
  }
}

TEST(Nfcapd, AnEventWithoutTimesGetsThatOfTheEvent) {
  TestWriter writer;
  Flow f = sample(1);
  f.start_ms = f.end_ms = 0;
  writer.flow(f);
  f.known &= ~static_cast<uint32_t>(kKnownEvent);
  writer.flow(f);
  const auto read = read_all(writer.file());
  ASSERT_EQ(read.flows.size(), 2u);
  EXPECT_EQ(read.flows[0].start_ms, f.received_ms - TestWriter::kEventDelayMs);
  EXPECT_EQ(read.flows[1].start_ms, f.received_ms);
  EXPECT_FALSE(read.flows[1].has(kKnownDuration));
}

TEST(Nfcapd, IcmpTypeAndCodeAndFragments) {
  TestWriter writer;
  Flow f = plain(1);
  f.protocol = kIcmp;
  f.dst_port = 8 * 256 + 1;
  f.fragment = 1;
  f.ttl = 63;
  f.known |= kKnownFragment | kKnownTtl;
  writer.flow(f);
  const auto read = read_all(writer.file());
  ASSERT_EQ(read.flows.size(), 1u);
  EXPECT_EQ(read.flows[0].icmp_type_code, 8 * 256 + 1);
  EXPECT_EQ(read.flows[0].fragment, 1);
  EXPECT_EQ(read.flows[0].ttl, 63);
}

TEST(Nfcapd, UnknownRecordsAndBlocksArePassedOverAndCounted) {
  TestWriter writer;
  writer.flow(plain(1));
  writer.raw_record(77, "12345678");
  writer.sampler(1, 100);
  writer.flow(plain(2));
  writer.flush();
  writer.put_block(nfcapd::kBlockArray2, "abcdefgh", 1);
  writer.flow(plain(3));
  const auto read = read_all(writer.file());
  EXPECT_EQ(read.flows.size(), 3u);
  EXPECT_EQ(read.reader.records().dropped(RecordDrop::kUnknownType), 1u);
  EXPECT_EQ(read.reader.blocks().dropped(BlockDrop::kNotFlows), 1u);
  EXPECT_EQ(read.reader.decoder().samplers(), 1u);
}

TEST(Nfcapd, MissingBlocksAreCounted) {
  TestWriter::Options options;
  options.block_bytes = 1000;
  TestWriter writer(options);
  for (uint64_t i = 0; i < 100; ++i) writer.flow(plain(i));
  std::string file = writer.file();
  const auto whole = read_all(file);
  const auto blocks = whole.reader.blocks().in();
  ASSERT_GT(blocks, 3u);
  file[36] = static_cast<char>(blocks + 5);
  EXPECT_EQ(read_all(file).reader.blocks().dropped(BlockDrop::kMissing), 5u);
}

TEST(Nfcapd, HeadersThatCannotBeReadAreExplained) {
  TestWriter writer;
  writer.flow(plain(1));
  const std::string good = writer.file();
  EXPECT_THAT(read_all("").problem, ::testing::HasSubstr("empty"));
  EXPECT_THAT(read_all(good.substr(0, 3)).problem, ::testing::HasSubstr("too short"));
  EXPECT_THAT(read_all(good.substr(0, 20)).problem, ::testing::HasSubstr("ends inside its header"));
  EXPECT_THAT(read_all("x" + good).problem, ::testing::HasSubstr("not an nfcapd file"));
  std::string bad = good;
  bad[2] = 3;
  EXPECT_THAT(read_all(bad).problem, ::testing::HasSubstr("layout 3 of a newer nfdump"));
  bad = good;
  bad[16] = 9;
  EXPECT_THAT(read_all(bad).problem, ::testing::HasSubstr("compression 9"));
  bad = good;
  bad[17] = 1;
  EXPECT_THAT(read_all(bad).problem, ::testing::HasSubstr("encrypted"));
}

// The fuzz target's seeds: one small file of each layout and compression, and one of the old records. They
// are written anew with NETFLOWGEN_WRITE_SEEDS=1, and must always read back whole.
TEST(Nfcapd, FuzzSeeds) {
  const base::fs::path folder = base::fs::path(NETFLOWGEN_SOURCE_DIR) / "fuzz/corpus/nfcapd";
  for (const auto& [options, name] : layouts()) {
    if (std::getenv("NETFLOWGEN_WRITE_SEEDS") != nullptr) {
      auto small = options;
      small.block_bytes = 700;
      small.v0_records = options.layout == 1 && options.big_endian;
      TestWriter writer(small);
      writer.exporter(1, sample(0));
      for (uint64_t i = 0; i < 8; ++i) writer.flow(i % 2 == 0 ? sample(i) : plain(i));
      base::fs::create_directories(folder);
      base::write_file(folder / name, writer.file());
    }
    EXPECT_EQ(read_all(base::read_file(folder / name)).flows.size(), 8u) << name;
  }
}

}  // namespace
}  // namespace netflowgen::flow
