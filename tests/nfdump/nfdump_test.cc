// What nfcapd and nfdump wrote, read by us: sums of flows, packets and bytes of every host, to the unit, against
// nfdump's own and against our decoding of the very datagrams that nfcapd got. Loopback only.
#include <gtest/gtest.h>

#include "bench/nfdump.h"

namespace netflowgen {
namespace {

struct Case {
  std::string name;
  std::string option;  // of nfcapd and of nfdump -w
  bench::Wire wire = bench::Wire::kV9;
};

class Nfdump : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (bench::find_program("nfcapd").empty() || bench::find_program("nfdump").empty()) {
      GTEST_SKIP() << "nfdump is not installed";
    }
    if (GetParam().name == "zstd" && !bench::offers("nfcapd", "zstd")) {
      GTEST_SKIP() << "this nfdump has no ZSTD (1.7.3 and later do)";
    }
    folder_ = base::fs::temp_directory_path() / fmt::format("nfg_nfdump_{}_{}", getpid(), GetParam().name);
  }
  void TearDown() override { base::fs::remove_all(folder_); }

  base::fs::path folder_;
};

TEST_P(Nfdump, SumsOfEveryHostAgree) {
  const bench::LoadOptions load{
      .wire = GetParam().wire, .flows = 20'000, .hosts = 500, .pool_flows = 1 << 16};
  const auto archive = bench::capture_with_nfcapd(folder_, GetParam().option, load, true);
  const std::string scratch = (folder_ / "out.txt").string();
  const auto theirs = bench::nfdump_sums(archive.file, scratch);
  const auto ours = bench::our_sums(archive.file);
  ASSERT_EQ(theirs.flows(), archive.sent.flows) << "nfcapd lost datagrams";
  EXPECT_EQ(bench::first_difference(ours, theirs), "");
  EXPECT_EQ(bench::first_difference(archive.decoded, theirs), "");

  const std::string rewritten = (folder_ / "rewritten").string();
  std::vector<std::string> command = {bench::find_program("nfdump"), "-r", archive.file, "-w", rewritten};
  if (!GetParam().option.empty()) command.push_back(GetParam().option);
  ASSERT_EQ(bench::Child(command).finish(0), 0);
  EXPECT_EQ(bench::first_difference(bench::our_sums(rewritten), theirs), "");
}

INSTANTIATE_TEST_SUITE_P(
    Archives, Nfdump,
    testing::Values(Case{"none", "", bench::Wire::kV9}, Case{"lzo", "-z", bench::Wire::kV9},
                    Case{"lz4", "-y", bench::Wire::kV9}, Case{"bz2", "-j", bench::Wire::kV9},
                    Case{"zstd", "-z=zstd", bench::Wire::kV9}, Case{"ipfix", "-y", bench::Wire::kIpfix},
                    Case{"v5", "-y", bench::Wire::kV5}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace netflowgen
