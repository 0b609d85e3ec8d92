#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/error.h"
#include "serve/history/history_db.h"
#include "serve/history/recorder.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kStep = 60'000;
constexpr base::TimeMs kStart = 1'700'006'400'000;  // a day's start

series::NodeKey host(uint32_t n) { return {base::IpAddr::v4(0x0a000000 + n), 0, series::NodeKind::kHost}; }

std::vector<float> frame_of(float bytes) {
  std::vector<float> f(series::kFeatureCount, base::kNaN);
  f[series::kBytesIn] = bytes;
  f[series::kPacketsIn] = bytes / 100;
  f[series::kFlowsIn] = 1;
  f[series::kPacketSizeIn] = 100;
  return f;
}

flow::Flow flow_of(base::TimeMs end, uint32_t src, uint64_t bytes, uint16_t port = 443) {
  flow::Flow f;
  f.start_ms = f.end_ms = end;
  f.src = base::IpAddr::v4(src);
  f.dst = base::IpAddr::v4(0x0a000001);
  f.exporter = base::IpAddr::v4(0xc0000201);
  f.bytes = bytes;
  f.packets = 2;
  f.sampling = 10;
  f.protocol = flow::kTcp;
  f.src_port = 50'000;
  f.dst_port = port;
  f.known = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts |
            flow::kKnownProtocol;
  return f;
}

std::shared_ptr<const StepBlock> block_of(int64_t n, const std::vector<float>& bytes) {
  Recorder recorder(kStep, series::NodeKind::kHost);
  const int64_t step = kStart / kStep + n;
  for (uint32_t i = 0; i < bytes.size(); ++i) {
    if (!std::isnan(bytes[i])) recorder.frame(host(i + 1), step, frame_of(bytes[i]));
    const auto f =
        flow_of(step * kStep + 1, 0xc6336400 + i, std::isnan(bytes[i]) ? 0 : static_cast<uint64_t>(bytes[i]));
    recorder.flows({&f, 1});
  }
  return recorder.close(step, 1000, -1);
}

class HistoryFile : public testing::Test {
 protected:
  HistoryFile()
      : path_(base::fs::temp_directory_path() / ("nfg_history_" + std::to_string(::getpid()) + ".db")) {
    clear();
  }
  ~HistoryFile() override { clear(); }
  void clear() const {
    for (const char* end : {"", "-wal", "-shm"}) base::fs::remove(path_.string() + end);
  }
  base::fs::path path_;
};

TEST(Breakdown, CountsByEveryDimension) {
  Breakdown b(kStep);
  const auto one = flow_of(kStart + 5, 1, 1000);
  auto two = flow_of(kStart + 6, 2, 3000, 53);
  two.protocol = flow::kUdp;
  auto unknown = flow_of(kStart + 7, 3, 0);
  unknown.known = flow::kKnownAddresses;
  const flow::Flow flows[] = {one, two, unknown};
  b.add(flows);
  const auto t = b.close(kStart / kStep);
  EXPECT_EQ(t.total.bytes, 40'000);  // sampling undone
  EXPECT_EQ(t.total.packets, 40);
  EXPECT_EQ(t.total.flows, 3);
  EXPECT_EQ(t.total.known, 3);
  const auto& sources = t.top[static_cast<size_t>(Dimension::kSource)];
  ASSERT_EQ(sources.size(), 3u);
  EXPECT_EQ(sources[0].name, "0.0.0.2");
  EXPECT_EQ(sources[2].amount.known, 0) << "nothing is known of its bytes, which is not zero";
  const auto& ports = t.top[static_cast<size_t>(Dimension::kPort)];
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_EQ(ports[0].name, "udp/53");
  EXPECT_EQ(label_of(Dimension::kPort, "tcp/443"), "tcp/443 https");
  EXPECT_EQ(t.top[static_cast<size_t>(Dimension::kExporter)][0].name, "192.0.2.1");
}

// Under overload: the totals are whole, the names are those of the flows before and after.
TEST(Breakdown, WithoutNamesTotalsStayExact) {
  Breakdown b(kStep);
  b.add(std::vector{flow_of(kStart + 1, 1, 100)});
  b.add(std::vector{flow_of(kStart + 2, 2, 50), flow_of(kStart + 3, 1, 10)}, false);
  const BreakdownTable t = b.close(kStart / kStep);
  EXPECT_EQ(t.total.bytes, 1600);
  EXPECT_EQ(t.total.flows, 3);
  const auto& sources = t.top[static_cast<size_t>(Dimension::kSource)];
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].amount.bytes, 1000);
}

TEST(Breakdown, StaysBoundedAndKeepsTheLarge) {
  Breakdown b(kStep);
  std::vector<flow::Flow> flows;
  for (uint32_t i = 0; i < 60'000; ++i) {
    flows.push_back(flow_of(kStart, 0x10000000 + i, 100));
    if (i % 10 == 0) flows.push_back(flow_of(kStart, 7, 100'000));
  }
  b.add(flows);
  const auto t = b.close(kStart / kStep);
  const auto& sources = t.top[static_cast<size_t>(Dimension::kSource)];
  EXPECT_LE(sources.size(), 3 * Breakdown::kListed);
  EXPECT_EQ(sources[0].name, "0.0.0.7");
  EXPECT_EQ(sources[0].amount.bytes, 6000 * 1e6);
  EXPECT_EQ(t.total.flows, 66'000);
}

TEST(Breakdown, LateFlowsCountInTheOldestOpenStepAndWildClocksOpenNone) {
  Breakdown b(kStep);
  const int64_t step = kStart / kStep;
  const auto f = flow_of(kStart, 1, 100);
  b.add({&f, 1});
  b.close(step);
  b.add({&f, 1});  // late
  for (int i = 0; i < 200; ++i) {
    const auto wild = flow_of(kStart + (1 + i) * 1000 * kStep, 1, 100);
    b.add({&wild, 1});
  }
  EXPECT_EQ(b.close(step + 1).total.flows, 1);
}

TEST(Nodes, NamesAreReadBack) {
  for (const char* name :
       {"192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "192.0.2.254#7", "AS64500", "2001:db8::1"}) {
    const auto key = parse_node(name);
    ASSERT_TRUE(key) << name;
    EXPECT_EQ(series::name_of(*key), name);
  }
  for (const char* name : {"", "x", "AS", "ASx", "192.0.2.1#", "192.0.2.0/99", "1.2.3", "192.0.2.1#-1"})
    EXPECT_FALSE(parse_node(name)) << name;
}

TEST(History, IsBoundedByMemory) {
  History history(kStep, 40'000);
  for (int64_t n = 0; n < 50; ++n) history.add(block_of(n, std::vector<float>(20, 100)));
  EXPECT_LT(history.steps(), 30u);
  EXPECT_GE(history.steps(), 2u);
  EXPECT_LE(history.bytes(), 40'000u);
  EXPECT_EQ(history.latest()->time_ms, kStart + 49 * kStep);
  EXPECT_EQ(history.between(kStart + 48 * kStep, kStart + 49 * kStep).size(), 1u);
}

TEST_F(HistoryFile, ReadsBackWhatWasWritten) {
  HistoryDb db(path_, kStep, {});
  const auto block = block_of(0, {1000, 2000});
  db.add(*block);
  db.add(*block);  // again: it is replaced
  const HistoryReader reader(path_, kStep);
  const auto totals = reader.totals(Resolution::kStep, 0, INT64_MAX);
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0].totals[0], 3000);
  EXPECT_TRUE(std::isnan(totals[0].totals[3])) << "nothing is known of bytes out";
  const auto rows = reader.node(Resolution::kStep, "10.0.0.2", 0, INT64_MAX);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].frame[series::kBytesIn], 2000);
  EXPECT_TRUE(std::isnan(rows[0].frame[series::kPeersIn]));
  const auto top = reader.top(Resolution::kStep, Dimension::kSource, 0, INT64_MAX);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].name, "");
  EXPECT_EQ(top[0].amount.bytes, 30'000);
  EXPECT_TRUE(reader.knows("10.0.0.1"));
  EXPECT_FALSE(reader.knows("10.0.0.9"));
  EXPECT_EQ(reader.oldest_ms(Resolution::kStep), kStart);
  EXPECT_EQ(reader.oldest_ms(Resolution::kDay), INT64_MAX);
}

TEST_F(HistoryFile, KeepsTheLargestNodesOfAStep) {
  HistoryOptions options;
  options.nodes = 3;
  HistoryDb db(path_, kStep, options);
  db.add(*block_of(0, {10, 50, 20, 40, 30}));
  const HistoryReader reader(path_, kStep);
  EXPECT_TRUE(reader.knows("10.0.0.2"));
  EXPECT_TRUE(reader.knows("10.0.0.4"));
  EXPECT_TRUE(reader.knows("10.0.0.5"));
  EXPECT_FALSE(reader.knows("10.0.0.1"));
}

TEST_F(HistoryFile, BucketsAreMeansAndSilenceIsZero) {
  HistoryDb db(path_, kStep, {});
  for (int64_t n = 0; n < 31; ++n) db.add(*block_of(n, {100, n < 5 ? 300.0f : base::kNaN}));
  db.maintain(kStart + 31 * kStep);
  const HistoryReader reader(path_, kStep);
  const auto totals = reader.totals(Resolution::kQuarter, 0, INT64_MAX);
  ASSERT_EQ(totals.size(), 2u);
  EXPECT_FLOAT_EQ(totals[0].totals[0], 200);  // 100 and 300 in 5 of 15
  EXPECT_FLOAT_EQ(totals[1].totals[0], 100);
  const auto rows = reader.node(Resolution::kQuarter, "10.0.0.2", 0, INT64_MAX);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_FLOAT_EQ(rows[0].frame[series::kBytesIn], 100);       // a volume: silent steps are zero
  EXPECT_FLOAT_EQ(rows[0].frame[series::kPacketSizeIn], 100);  // a mean over what is known
  const auto top = reader.top(Resolution::kQuarter, Dimension::kSource, kStart, kStart + 1);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].amount.flows, 30);
  db.maintain(kStart + 31 * kStep);  // again: nothing changes
  EXPECT_EQ(reader.totals(Resolution::kQuarter, 0, INT64_MAX).size(), 2u);
}

TEST_F(HistoryFile, DropsWhatIsOldAndWhatIsTooMuch) {
  HistoryOptions options;
  options.keep_ms = {30 * kStep, 100 * base::kDayMs, 1000 * base::kDayMs};
  HistoryDb db(path_, kStep, options);
  for (int64_t n = 0; n < 61; ++n) db.add(*block_of(n, {100}));
  db.maintain(kStart + 61 * kStep);
  const HistoryReader reader(path_, kStep);
  EXPECT_EQ(reader.oldest_ms(Resolution::kStep), kStart + 31 * kStep);
  EXPECT_EQ(reader.oldest_ms(Resolution::kQuarter), kStart);
  for (int64_t n = 61; n < 400; ++n) db.add(*block_of(n, std::vector<float>(40, 100)));
  options.keep_ms[0] = base::kDayMs;
  options.most_bytes = 4 << 20;
  db.set_options(options);
  ASSERT_GT(db.bytes(), options.most_bytes);
  db.maintain(kStart + 400 * kStep);
  EXPECT_GT(reader.oldest_ms(Resolution::kStep), kStart + 150 * kStep)
      << "the oldest of the finest goes first";
  EXPECT_EQ(reader.oldest_ms(Resolution::kQuarter), kStart);
}

TEST_F(HistoryFile, RefusesAnotherProgramsFile) {
  Sqlite(path_, Sqlite::Mode::kWrite).run("CREATE TABLE x(y)");
  EXPECT_THROW(HistoryDb(path_, kStep, {}), base::Error);
}

TEST(Recorder, SumsTheNetworkOverItsKindOfNodes) {
  Recorder recorder(kStep, series::NodeKind::kHost);
  recorder.frame(host(1), 5, frame_of(10));
  recorder.frame(host(2), 5, frame_of(20));
  recorder.frame({base::IpAddr::v4(0x0a000000), 104, series::NodeKind::kPrefix}, 5, frame_of(30));
  const auto block = recorder.close(5, 0, -1);
  EXPECT_EQ(block->totals[0], 30);
  EXPECT_EQ(block->nodes(), 3u);
  EXPECT_EQ(block->find(host(2)), 1u);
  EXPECT_EQ(block->find(host(9)), SIZE_MAX);
}

}  // namespace
}  // namespace netflowgen::serve
