// The public captures beside the source tree, where they are: every file is read to its end, and row counts are those
// of their description. Skipped elsewhere.
#include <gmock/gmock.h>

#include "flow/text/text_test_util.h"

namespace netflowgen::flow {
namespace {

namespace fs = std::filesystem;

class RealData : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(data_)) GTEST_SKIP() << "skipped: no ../shared";
  }
  // Drains a source without keeping its flows.
  base::LedgerView count(const std::string& path, const std::string& map) {
    InputOptions options;
    options.paths = {(data_ / path).string()};
    if (!map.empty()) options.map = std::string(NETFLOWGEN_SOURCE_DIR) + "/configs/maps/" + map + ".yaml";
    if (!map.empty() && is_rates(options)) {
      const auto source = open_rates(options);
      RateRow row;
      while (source->read(row)) EXPECT_FALSE(row.node.empty());
      return source->ledgers().at(0);
    }
    const auto source = open_flows(options);
    std::vector<Flow> batch(4096);
    while (const size_t n = source->read(batch)) {
      for (size_t i = 0; i < n; ++i) {
        const Flow& f = batch[i];
        if (f.start_ms > f.end_ms || f.sampling != 1 || (f.known & ~source->known()) != 0)
          ADD_FAILURE() << brief(f);
        bytes_ += f.bytes;
        ++flows_;
      }
    }
    for (const auto& b : source->bad_lines())
      bad_.push_back(fmt::format("{} x{} at {}", b.reason, b.count, b.line));
    EXPECT_TRUE(source->ledgers().at(0).balanced());
    EXPECT_EQ(source->bytes_done(), source->bytes_total());
    return source->ledgers().at(0);
  }

  fs::path data_ = fs::path(NETFLOWGEN_SOURCE_DIR).parent_path() / "shared" / "data";
  std::vector<std::string> bad_;
  uint64_t bytes_ = 0;
  uint64_t flows_ = 0;
};

TEST_F(RealData, Darpa98HasTenImpossibleDates) {
  const auto rows = count("darpa98/darpa98_src_dst_minute_label.csv.zst", "darpa98");
  EXPECT_EQ(rows.in, 4554344u);
  EXPECT_EQ(flows_, 4554334u);
  EXPECT_THAT(bad_, testing::ElementsAre("bad time x10 at 4536629"));
}

TEST_F(RealData, ConnectionLogsOfZeek) {
  const auto days = count("ctu_zeek_days", "");
  EXPECT_EQ(days.in, 24798u);
  EXPECT_EQ(days.dropped(), 1u) << "a connection without a packet";
  const auto iot = count("iot23_34_1", "");
  EXPECT_EQ(iot.in, 23145u);
  EXPECT_EQ(iot.out, 23145u);
}

TEST_F(RealData, AttackFlows) {
  EXPECT_EQ(count("litnet_attacks", "litnet").out, 268048u);
  EXPECT_EQ(bytes_, 215670098u);
  EXPECT_EQ(count("stopddos", "stopddos").out, 53775u);
}

TEST_F(RealData, Rates) {
  EXPECT_EQ(count("bitbrains", "bitbrains").out, 8228005u);
  EXPECT_EQ(count("cisco_telemetry/cisco_iface_rates_4s.csv.zst", "cisco_telemetry").out, 360665u);
}

class RealData2 : public RealData {
 protected:
  void SetUp() override {
    data_ = data_.parent_path() / "data2";
    RealData::SetUp();
  }
};

TEST_F(RealData2, RatesOfNodesInAnyOrder) {
  const auto cesnet = count("cesnet_ts24", "cesnet_ts24_table");
  EXPECT_EQ(cesnet.in, 2281816u);
  EXPECT_EQ(cesnet.out, 2281816u);
  EXPECT_EQ(count("worldcup98", "worldcup98").dropped(), 0u);
  EXPECT_EQ(count("aivivn_zones", "aivivn_zones").dropped(), 0u);
  EXPECT_EQ(count("residential_pl", "residential_pl").dropped(), 0u);
  EXPECT_EQ(count("nab_network/nab_network_5min.csv.zst", "nab_network").dropped(), 0u);
  EXPECT_EQ(count("smd_servers", "smd_servers").dropped(), 0u);
  EXPECT_EQ(count("esnet_links/esnet_links_1h.csv.zst", "esnet_links").dropped(), 0u);
}

TEST_F(RealData2, FlowsOfAnIndustrialNetwork) {
  const auto rows = count("westermo_ics/left.csv.zst", "westermo");
  EXPECT_EQ(rows.in, 8533u);
  EXPECT_EQ(rows.out, 5018u);
  EXPECT_THAT(bad_, testing::ElementsAre("not a flow x3515 at 2"));
}

}  // namespace
}  // namespace netflowgen::flow
