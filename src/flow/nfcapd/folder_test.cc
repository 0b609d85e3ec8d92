// Folders of nfcapd files: their order, bad ones among good ones, compressed as a whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "flow/input_options.h"
#include "flow/nfcapd/test_writer.h"
#include "flow/open.h"
#include "flow/record.h"
#include "flow/source.h"

namespace netflowgen::flow {
namespace {

using nfcapd::Compression;
using nfcapd::TestWriter;

// Flow number i, told by its octets.
Flow plain(uint64_t i) {
  base::Random random(i);
  Flow f;
  f.start_ms = 1'700'000'000'000 + static_cast<TimeMs>(random.below(100000));
  f.end_ms = f.start_ms + static_cast<TimeMs>(random.below(60000));
  f.received_ms = f.end_ms + 1234;
  f.src = IpAddr::v4(static_cast<uint32_t>(random.next()));
  f.dst = IpAddr::v4(static_cast<uint32_t>(random.next()));
  f.src_port = static_cast<uint16_t>(random.below(65536));
  f.dst_port = 443;
  f.protocol = 6;
  f.packets = 10 + i;
  f.bytes = 1000 + i;
  return f;
}

class NfcapdFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "nfg-nfcapd-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { base::fs::remove_all(folder_); }
  void write(const std::string& name, std::string_view text) {
    base::fs::create_directories((base::fs::path(folder_) / name).parent_path());
    base::write_file(base::fs::path(folder_) / name, text);
  }
  static std::string file_of(uint64_t i) {
    TestWriter writer;
    writer.flow(plain(i));
    return writer.file();
  }
  std::unique_ptr<FlowSource> open(bool strict = false) const {
    InputOptions options;
    options.paths = {folder_};
    options.strict = strict;
    return open_flows(options);
  }
  static std::vector<uint64_t> bytes_of(FlowSource& source) {
    std::vector<uint64_t> all;
    std::vector<Flow> flows(10);
    while (const size_t n = source.read(flows)) {
      for (size_t i = 0; i < n; ++i) all.push_back(flows[i].bytes);
    }
    for (const auto& ledger : source.ledgers()) EXPECT_TRUE(ledger.balanced()) << ledger.stage;
    return all;
  }
  std::string folder_;
};

TEST_F(NfcapdFolder, FilesComeInTheOrderOfTheTimeInTheirNames) {
  write("b/nfcapd.202601010000", file_of(1));
  write("a/nfcapd.202601020000", file_of(3));
  write("a/nfcapd.202601011200", file_of(2));
  const auto source = open();
  EXPECT_THAT(bytes_of(*source), ::testing::ElementsAre(plain(1).bytes, plain(2).bytes, plain(3).bytes));
  EXPECT_EQ(source->bytes_done(), source->bytes_total());
}

TEST_F(NfcapdFolder, BadFilesAmongGoodOnesAreNamedAndPassedOver) {
  std::string newer = file_of(9);
  newer[2] = 3;
  write("nfcapd.202601010000", file_of(1));
  write("nfcapd.202601010005", "");
  write("nfcapd.202601010010", newer);
  write("nfcapd.202601010015", file_of(2).substr(0, 100));
  write("nfcapd.202601010020", file_of(3));
  const auto source = open();
  EXPECT_THAT(bytes_of(*source), ::testing::ElementsAre(plain(1).bytes, plain(3).bytes));
  const auto problems = source->bad_lines();
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_THAT(problems[0].reason, ::testing::HasSubstr("empty"));
  EXPECT_THAT(problems[1].reason, ::testing::HasSubstr("layout 3"));
  EXPECT_THAT(problems[2].reason, ::testing::HasSubstr("cut short"));
  EXPECT_THAT(problems[2].file, ::testing::HasSubstr("nfcapd.202601010015"));
  const auto strict = open(true);
  EXPECT_THROW(bytes_of(*strict), base::Error);
}

// After a crash the first file of a folder is as likely empty or junk as any other.
TEST_F(NfcapdFolder, TheFirstFileMayBeEmptyOrJunk) {
  std::string junk = file_of(9);
  junk[0] = junk[1] = 0;
  write("nfcapd.202601010000", "");
  write("nfcapd.202601010005", junk);
  write("nfcapd.202601010010", file_of(1));
  const auto source = open();
  EXPECT_THAT(bytes_of(*source), ::testing::ElementsAre(plain(1).bytes));
  const auto problems = source->bad_lines();
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0].reason, ::testing::HasSubstr("empty"));
  EXPECT_THAT(problems[1].reason, ::testing::HasSubstr("not an nfcapd file"));
}

TEST_F(NfcapdFolder, NothingReadableIsAnError) {
  std::string newer = file_of(9);
  newer[2] = 3;
  write("nfcapd.202601010000", newer);
  EXPECT_THROW(open(), base::Error);
}

TEST_F(NfcapdFolder, CompressedAsAWholeAndCutThere) {
  TestWriter writer;
  for (uint64_t i = 0; i < 5000; ++i) writer.flow(plain(i));
  const std::string zstd = nfcapd::compress_block(Compression::kZstd, writer.file());
  write("nfcapd.202601010000.zst", zstd);
  EXPECT_EQ(bytes_of(*open()).size(), 5000u);
  write("nfcapd.202601010000.zst", zstd.substr(0, zstd.size() / 2));
  const auto source = open();
  const size_t n = bytes_of(*source).size();
  EXPECT_GT(n, 500u);
  EXPECT_LT(n, 5000u);
  EXPECT_FALSE(source->bad_lines().empty());
}

}  // namespace
}  // namespace netflowgen::flow
