#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "flow/nfcapd/nfcapd_source.h"
#include "flow/nfcapd/test_flows.h"

namespace netflowgen::flow {
namespace {

using nfcapd::BlockDrop;
using nfcapd::RecordDrop;

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
  EXPECT_FALSE(read.flows[0].has(kKnownPorts)) << "ICMP has none";
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
