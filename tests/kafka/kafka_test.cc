// Topics as inputs, against librdkafka's mock cluster.
#define NETFLOWGEN_KAFKA 1  // for property.h
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "base/error.h"
#include "flow/kafka/kafka_source.h"
#include "flow/kafka/property.h"
#include "flow/open.h"
#include "flow/protobuf/goflow2_test_builder.h"
#include "flow/text/text_test_util.h"
#include "tests/kafka/mock_cluster.h"

namespace netflowgen::flow {
namespace {

using goflow2::tcp_flow;
using std::chrono::seconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// A flow that can be told from others by its bytes.
std::string numbered(uint64_t n, uint64_t ms) { return tcp_flow(ms).number(9, n).with_length(); }

std::unique_ptr<KafkaSource> open_source(const std::string& url, std::vector<KafkaPosition> start = {}) {
  KafkaUrl parsed = parse_kafka_url(url);
  auto consumer = open_consumer(parsed);
  return std::make_unique<KafkaSource>(std::move(consumer), std::move(parsed), InputOptions{},
                                       std::move(start));
}

// Bytes of all flows, in their order; of a source that is followed, until nothing came for a second.
std::vector<uint64_t> drain(FlowSource& source, size_t batch = 100, size_t limit = SIZE_MAX) {
  std::vector<uint64_t> all;
  std::vector<Flow> flows(batch);
  auto last = Clock::now();
  while (all.size() < limit) {
    const size_t n = source.read(flows);
    for (size_t i = 0; i < n; ++i) all.push_back(flows[i].bytes);
    if (n > 0) last = Clock::now();
    if (n == 0 && (!source.waiting() || Clock::now() - last > seconds(10))) break;
  }
  return all;
}

void expect_balanced(const FlowSource& source) {
  for (const auto& view : source.ledgers()) EXPECT_TRUE(view.balanced()) << view.stage;
}

uint64_t dropped(const FlowSource& source, std::string_view stage, std::string_view reason) {
  for (const auto& view : source.ledgers()) {
    if (view.stage != stage) continue;
    for (const auto& [name, count] : view.drops) {
      if (name == reason) return count;
    }
  }
  return 0;
}

std::vector<uint64_t> numbers(uint64_t n) {
  std::vector<uint64_t> all(n);
  for (uint64_t i = 0; i < n; ++i) all[i] = i;
  return all;
}

class Kafka : public testing::Test {
 protected:
  // Flow i is at second i, in partition i % `partitions`.
  void fill(int partitions, uint64_t flows) {
    cluster_.create("flows", partitions);
    for (uint64_t i = 0; i < flows; ++i) {
      cluster_.produce("flows", static_cast<int32_t>(i % static_cast<uint64_t>(partitions)),
                       numbered(i, i * 1000));
    }
    cluster_.flush();
  }
  std::string url(const std::string& options = "") const { return cluster_.url("flows", options); }

  MockCluster cluster_;
};

TEST_F(Kafka, ATopicIsReadToItsEnd) {
  fill(1, 2000);
  const auto source = open_source(url());
  EXPECT_EQ(drain(*source), numbers(2000));
  EXPECT_FALSE(source->waiting());
  expect_balanced(*source);
  EXPECT_TRUE(source->known() & kKnownAddresses);
}

// Whatever partition is fetched first, flows come in the order of their times.
TEST_F(Kafka, PartitionsAreMergedByTime) {
  fill(3, 3000);
  cluster_.create("empty", 4);
  EXPECT_EQ(drain(*open_source(url())), numbers(3000));
  EXPECT_EQ(drain(*open_source(url()), 1), numbers(3000));
  EXPECT_TRUE(drain(*open_source(cluster_.url("empty"))).empty());
}

// Partition 1 has none, partition 2 is filled in one piece after partition 0.
TEST_F(Kafka, APartitionThatIsAheadWaits) {
  cluster_.create("flows", 3);
  for (uint64_t i = 0; i < 1000; ++i) cluster_.produce("flows", 0, numbered(2 * i, 2000 * i));
  for (uint64_t i = 0; i < 1000; ++i) cluster_.produce("flows", 2, numbered(2 * i + 1, 2000 * i + 1000));
  cluster_.flush();
  EXPECT_EQ(drain(*open_source(url())), numbers(2000));
}

// A record whose clock is a day ahead does not make its partition wait for a day of the others.
TEST_F(Kafka, OneWrongClockDoesNotMoveAPartition) {
  cluster_.create("flows", 2);
  for (uint64_t i = 0; i < 400; ++i) {
    const uint64_t ms = i == 100 ? 86'400'000 : i * 1000;
    cluster_.produce("flows", static_cast<int32_t>(i % 2), numbered(i, ms));
  }
  cluster_.flush();
  const auto all = drain(*open_source(url()));
  ASSERT_EQ(all.size(), 400u);
  for (uint64_t i = 0; i < all.size(); ++i) EXPECT_LE(std::max(all[i], i) - std::min(all[i], i), 2u) << i;
}

// Everything of partition 1 is a day ahead, as of a machine with a wrong clock: nothing is lost, and neither partition stops the
// other, read to the end or followed.
TEST_F(Kafka, ClocksADayApartStopNobody) {
  constexpr uint64_t kDay_ms = 86'400'000;
  cluster_.create("flows", 2);
  const auto produce = [&](uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; ++i)
      cluster_.produce("flows", static_cast<int32_t>(i % 2), numbered(i, i * 1000 + i % 2 * kDay_ms));
    cluster_.flush();
  };
  produce(0, 400);
  auto all = drain(*open_source(url()));
  EXPECT_TRUE(std::all_of(all.begin(), all.begin() + 200, [](uint64_t n) { return n % 2 == 0; }));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, numbers(400));
  const auto source = open_source(url("follow"));
  all = drain(*source, 100, 400);
  for (uint64_t wave = 400; wave < 600; wave += 50) {
    produce(wave, wave + 50);
    const auto more = drain(*source, 100, 50);
    EXPECT_EQ(more.size(), 50u) << "of both partitions";
    all.insert(all.end(), more.begin(), more.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, numbers(600));
  expect_balanced(*source);
}

TEST_F(Kafka, PoisonIsCounted) {
  cluster_.create("flows", 1);
  cluster_.produce("flows", 0, numbered(0, 0));
  cluster_.produce("flows", 0, "\xff\xff poison");
  cluster_.produce("flows", 0, "", true);
  cluster_.produce("flows", 0, "");
  cluster_.produce("flows", 0, numbered(1, 1));
  cluster_.flush();
  const auto source = open_source(url());
  EXPECT_EQ(drain(*source), numbers(2));
  EXPECT_EQ(dropped(*source, "protobuf messages", "malformed"), 1u);
  EXPECT_EQ(dropped(*source, "kafka records", "tombstone"), 1u);
  EXPECT_EQ(dropped(*source, "protobuf messages", "foreign"), 1u) << "an empty value is an empty message";
  expect_balanced(*source);
}

TEST_F(Kafka, FromAndUntilOffsets) {
  fill(2, 100);
  EXPECT_EQ(drain(*open_source(url("from=offsets:0:10,1:10&until=offsets:0:20,1:20"))).size(), 20u);
  EXPECT_EQ(drain(*open_source(url("from=end"))).size(), 0u);
  EXPECT_EQ(drain(*open_source(url("partitions=1"))).size(), 50u);
  const auto source = open_source(url("from=offsets:0:200,1:0"));
  EXPECT_EQ(drain(*source).size(), 100u);
  EXPECT_THAT(source->warnings().at(0).text, HasSubstr("made anew"));
}

// What is produced while a topic is read belongs to the next reading.
TEST_F(Kafka, TheEndIsThatOfTheBeginning) {
  fill(1, 10);
  const auto source = open_source(url());
  for (uint64_t i = 10; i < 20; ++i) cluster_.produce("flows", 0, numbered(i, i * 1000));
  cluster_.flush();
  EXPECT_EQ(drain(*source), numbers(10));
}

// Stopping after any flow and going on from there gives each flow once, in the middle of a record as well.
TEST_F(Kafka, ARestartLosesAndDoublesNothing) {
  cluster_.create("flows", 2);
  for (uint64_t i = 0; i < 60; i += 3) {
    const std::string three = numbered(i, i * 1000) + numbered(i + 1, i * 1000) + numbered(i + 2, i * 1000);
    cluster_.produce("flows", static_cast<int32_t>(i % 2), three);
  }
  cluster_.flush();
  for (const size_t batch : {1u, 2u, 4u, 7u, 59u}) {
    std::vector<uint64_t> all;
    std::vector<KafkaPosition> place;
    while (all.size() < 60) {
      const auto source = open_source(url(), place);
      const auto some = drain(*source, batch, batch);
      ASSERT_FALSE(some.empty());
      all.insert(all.end(), some.begin(), some.end());
      place = source->positions();
      expect_balanced(*source);
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, numbers(60)) << batch;
  }
}

TEST_F(Kafka, FollowGoesOnBehindTheEnd) {
  fill(2, 10);
  const auto source = open_source(url("follow"));
  EXPECT_EQ(drain(*source, 100, 10).size(), 10u);
  EXPECT_TRUE(source->waiting());
  cluster_.produce("flows", 1, numbered(10, 10'000));
  cluster_.flush();
  EXPECT_EQ(drain(*source, 100, 1), std::vector<uint64_t>{10});
  std::vector<Flow> flows(1);
  for (int i = 0; i < 20 && !source->time(); ++i) source->read(flows);
  ASSERT_TRUE(source->time()) << "partition 0 has nothing more, and time goes on all the same";
  EXPECT_LT(std::abs(*source->time() - 1767225606000), 60'000);
  source->stop();
  while (source->waiting()) source->read(flows);
}

TEST_F(Kafka, AGroupGoesOnWhereItCommitted) {
  fill(2, 100);
  {
    const auto source = open_source(url("follow&group=g"));
    EXPECT_EQ(drain(*source, 1, 40).size(), 40u);
    source->commit();
    drain(*source, 1, 10);  // not committed: they come again
  }
  // Not as a member: the mock cluster of 2.0.2 lets nobody join a group that was left.
  const auto source = open_source(url("group=g"));
  EXPECT_EQ(drain(*source, 100, 60).size(), 60u);
  expect_balanced(*source);
}

TEST_F(Kafka, AnOutageIsSaidOnceAndEnds) {
  fill(1, 10);
  const auto source = open_source(url("follow"));
  EXPECT_EQ(drain(*source, 100, 10).size(), 10u);
  cluster_.set_down(true);
  std::vector<Flow> flows(10);
  const auto until = Clock::now() + seconds(30);
  while (source->warnings().empty() && Clock::now() < until) source->read(flows);
  ASSERT_EQ(source->warnings().size(), 1u);
  EXPECT_THAT(source->warnings()[0].text, HasSubstr("trying again"));
  for (int i = 0; i < 10; ++i) source->read(flows);
  EXPECT_EQ(source->warnings().size(), 1u);
  cluster_.set_down(false);
  cluster_.produce("flows", 0, numbered(10, 10'000));
  cluster_.flush();
  EXPECT_EQ(drain(*source, 100, 1), std::vector<uint64_t>{10});
}

TEST(KafkaProblem, ScramOfAnOldLibraryIsExplained) {
  constexpr int kOld = 0x020002ff;
  constexpr int kMended = 0x020601ff;
  const std::string text = "Authentication failed with SASL mechanism SCRAM-SHA-512";
  EXPECT_THAT(explained(text, kOld),
              testing::AllOf(testing::StartsWith(text), HasSubstr("librdkafka 2.0.2"), HasSubstr("2.6.1")));
  EXPECT_EQ(explained(text, kMended), text);
  EXPECT_EQ(explained("no mechanism PLAIN", kOld), "no mechanism PLAIN");
}

TEST_F(Kafka, Errors) {
  fill(1, 1);
  const auto error = [&](const std::string& u) -> std::string {
    try {
      open_source(u);
    } catch (const base::Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(error(url("partitions=5")), HasSubstr("no partition 5"));
  EXPECT_THAT(error(url("no.such.property=secret")), HasSubstr("refuses the property no.such.property"));
  EXPECT_THAT(error(url("no.such.property=secret")), testing::Not(HasSubstr("=secret")));
  EXPECT_THAT(error("kafka://127.0.0.1:1/flows?timeout=2s"), HasSubstr("no broker answered in 2 s"));
  InputOptions options;
  options.paths = {url(), url()};
  EXPECT_THROW(open_flows(options), base::UsageError);
}

}  // namespace
}  // namespace netflowgen::flow
