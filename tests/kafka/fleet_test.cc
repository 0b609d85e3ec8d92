// Collectors publish partial frames to the mock cluster, detectors read them: killed, handed over, with brokers away. The alerts are
// those of one process that was given all flows, byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "serve/fleet/frame_detector.h"
#include "serve/fleet/frame_publisher.h"
#include "tests/kafka/fleet_traffic.h"
#include "tests/kafka/mock_cluster.h"

namespace netflowgen::serve {
namespace {

class Fleet : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    flows_ = new std::vector<flow::Flow>(traffic());
    wanted_ = new Reference(*flows_);
  }
  static void TearDownTestSuite() {
    delete flows_;
    delete wanted_;
  }
  void SetUp() override { cluster_.create("frames", kPartitions); }

  base::fs::path folder() const { return folder_.path(); }
  std::unique_ptr<FramePublisher> publisher(const std::string& name, uint64_t queue = uint64_t{1} << 26,
                                            std::optional<uint64_t> mark = {}) {
    PublishOptions o{cluster_.url("frames"), name, queue, folder() / (name + ".db")};
    return std::make_unique<FramePublisher>(o, kStep_ms, mark,
                                            [this](const std::string& l) { log_ += l + "\n"; });
  }
  std::unique_ptr<FrameDetector> detector(const std::string& partitions, uint32_t collectors = 2) {
    return detector_of("partitions=" + partitions, collectors);
  }
  std::unique_ptr<FrameDetector> detector_of(const std::string& url_options, uint32_t collectors = 2) {
    FrameDetectorOptions o;
    o.frames.topic = cluster_.url("frames", url_options);
    o.frames.state = folder() / "state";
    o.frames.collectors = collectors;
    o.detect = Reference::detect_options();
    o.save_ms = 50;
    return std::make_unique<FrameDetector>(
        o,
        [this](const AlertRecord& r) {
          delivered_.push_back(std::visit([](const auto& x) { return detect::to_json_line(x); }, r));
        },
        [this](const std::string& l) { log_ += l + "\n"; });
  }
  // A collector of the flows whose source port leaves `rest`: published up to the end, with the steps before it closed.
  struct Collector {
    struct Ignore : series::FrameSink {
      void frame(const series::NodeKey&, int64_t, std::span<const float>) override {}
    } ignore;
    std::unique_ptr<FramePublisher> publisher;
    series::SeriesBuilder builder{series_options(), ignore};
    explicit Collector(std::unique_ptr<FramePublisher> p) : publisher(std::move(p)) { tap(); }
    void tap() {
      builder.set_node_tap([this](int64_t step, const series::StepSlot& slot, const series::StateView& in,
                                  const series::StateView& out) { publisher->node(step, slot, in, out); });
    }
    void add(std::span<const flow::Flow> flows) {
      builder.add(flows);
      publisher->closed_before(builder.oldest_open());
      publisher->pump();
    }
    void finish() {
      builder.finish();
      publisher->finish(20'000);
      EXPECT_TRUE(publisher->ledger().balanced());
    }
  };
  static std::vector<flow::Flow> part(size_t rest) {
    std::vector<flow::Flow> mine;
    std::copy_if(flows_->begin(), flows_->end(), std::back_inserter(mine),
                 [rest](const flow::Flow& f) { return f.src_port % 2 == rest; });
    return mine;
  }
  void publish_all() {
    for (const size_t rest : {0u, 1u}) {
      Collector c(publisher("c" + std::to_string(rest)));
      c.add(part(rest));
      c.finish();
      EXPECT_EQ(c.publisher->ledger().held, 0u);
      EXPECT_EQ(c.publisher->ledger().dropped(), 0u);
    }
  }
  static uint64_t records(FrameDetector& d) {
    for (const auto& v : d.counts().ledgers) {
      if (v.stage == "frame records") return v.in;
    }
    return 0;
  }
  // Until `count` records were read in all, or all that there are.
  void turn_until(FrameDetector& d, uint64_t count) {
    std::map<int32_t, int64_t> ends;
    for (int32_t p = 0; p < static_cast<int32_t>(kPartitions); ++p) ends[p] = cluster_.end("frames", p);
    const auto done = [&] {
      if (records(d) >= count) return true;
      if (!d.counts().waiting.empty()) return false;
      const auto at = d.positions();
      return std::all_of(at.begin(), at.end(), [&](const auto& p) { return p.second == ends[p.first]; });
    };
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (!done() && std::chrono::steady_clock::now() < until) d.turn();
    EXPECT_TRUE(done());
  }
  void turn_to_end(FrameDetector& d) { turn_until(d, UINT64_MAX); }
  Lines logged() const {
    Lines lines;
    for (uint32_t p = 0; p < kPartitions; ++p) {
      std::ifstream in(folder() / "state" / ("partition-" + std::to_string(p)) / "alerts.jsonl");
      for (std::string line; std::getline(in, line);) lines.insert(line + "\n");
    }
    return lines;
  }
  static void expect_balanced(FrameDetector& d) {
    for (const auto& v : d.counts().ledgers) {
      EXPECT_TRUE(v.balanced()) << v.stage;
    }
  }
  static void expect_same(const Lines& seen, const Lines& wanted) {
    std::vector<std::string> lost;
    std::vector<std::string> more;
    std::set_difference(wanted.begin(), wanted.end(), seen.begin(), seen.end(), std::back_inserter(lost));
    std::set_difference(seen.begin(), seen.end(), wanted.begin(), wanted.end(), std::back_inserter(more));
    EXPECT_TRUE(lost.empty()) << lost.size() << " of " << wanted.size() << " are missing, such as "
                              << lost.front();
    EXPECT_TRUE(more.empty()) << more.size() << " are too many, such as " << more.front();
  }
  void expect_alerts() {
    EXPECT_GT(wanted_->lines.size(), 10u) << "the traffic has too few attacks";
    EXPECT_GT(wanted_->incidents, 0u);
    expect_same(logged(), wanted_->lines);
  }

  static std::vector<flow::Flow>* flows_;
  static Reference* wanted_;
  flow::MockCluster cluster_;
  // In memory where there is such a folder: state is synced often.
  base::TemporaryFolder folder_{"fleet_test",
                                base::fs::exists("/dev/shm") ? "/dev/shm" : base::fs::temp_directory_path()};
  std::string log_;
  std::vector<std::string> delivered_;
};
std::vector<flow::Flow>* Fleet::flows_ = nullptr;
Reference* Fleet::wanted_ = nullptr;

TEST_F(Fleet, AlertsOfTwoCollectorsAreThoseOfOneProcess) {
  publish_all();
  auto d = detector("0,1,2,3");
  turn_to_end(*d);
  d->finish();
  expect_balanced(*d);
  expect_alerts();
  expect_same(Lines(delivered_.begin(), delivered_.end()), wanted_->lines);
}

// A worker that goes without a word, as by kill -9, after each so many records; another one takes its partitions.
TEST_F(Fleet, KilledWorkersLoseAndDoubleNoAlert) {
  publish_all();
  base::Random random(7);
  uint64_t read = 0;
  for (uint64_t kills = 0; kills < 8; ++kills) {
    auto first = detector(kills % 2 == 0 ? "0,1" : "2");
    auto second = detector(kills % 2 == 0 ? "2,3" : "0,1,3");
    turn_until(*first, 20 + random.below(60));
    turn_until(*second, 20 + random.below(60));
    read += records(*first) + records(*second);
    if (kills % 3 == 0) first->finish();
    expect_balanced(*first);
  }
  EXPECT_GT(read, 500u);
  auto last = detector("0,1,2,3");
  turn_to_end(*last);
  last->finish();
  expect_alerts();
}

// What was saved and perhaps not sent is delivered by the next owner.
TEST_F(Fleet, WhatIsSavedIsDelivered) {
  publish_all();
  auto d = detector("0,1,2,3");
  turn_to_end(*d);
  d->finish();
  const auto first = delivered_;
  ASSERT_EQ(first.size(), wanted_->lines.size());
  d = nullptr;  // killed before note_delivered()
  delivered_.clear();
  d = detector("0,1,2,3");
  expect_same(Lines(delivered_.begin(), delivered_.end()), wanted_->lines);
  d->note_delivered();
  d = nullptr;
  delivered_.clear();
  d = detector("0,1,2,3");
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(Fleet, TwoWorkersNeverHaveOnePartition) {
  publish_all();
  auto first = detector("0,1");
  auto second = detector("1,2");
  EXPECT_EQ(second->counts().partitions, (std::vector<int32_t>{2}));
  EXPECT_EQ(second->counts().waiting, (std::vector<int32_t>{1}));
  turn_until(*first, 50);
  first = nullptr;
  for (int i = 0; i < 1000 && !second->counts().waiting.empty(); ++i) second->turn();
  EXPECT_EQ(second->counts().partitions, (std::vector<int32_t>{1, 2}));
  turn_to_end(*second);
  second->finish();
  auto rest = detector("0,3");
  turn_to_end(*rest);
  rest->finish();
  expect_alerts();
}

// Alone: the mock cluster of 2.0.2 lets no second member join. tests/kafka/fleet.py has the group with a real broker.
TEST_F(Fleet, AMemberOfAGroupHandsOver) {
  publish_all();
  auto first = detector_of("group=detectors");
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (std::chrono::steady_clock::now() < until && records(*first) < 100) first->turn();
  EXPECT_EQ(first->counts().partitions.size(), kPartitions);
  first->turn();
  first = nullptr;
  auto next = detector("0,1,2,3");
  turn_to_end(*next);
  next->finish();
  expect_balanced(*next);
  expect_alerts();
}

// The brokers are away while half of the steps close; the collector is killed meanwhile, and what it had queued is sent.
TEST_F(Fleet, AnOutageLosesNothingThatFits) {
  const auto one = part(0);
  const size_t half = one.size() / 2;
  std::optional<Collector> c(publisher("c0"));
  c->add(std::span(one).first(half / 2));
  cluster_.set_down(true);
  c->add(std::span(one).subspan(half / 2, half - half / 2));
  for (int i = 0; i < 200 && log_.find("no broker can be reached") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    c->publisher->pump();
  }
  EXPECT_NE(log_.find("no broker can be reached"), std::string::npos);
  EXPECT_GT(c->publisher->ledger().held, 0u);
  EXPECT_TRUE(c->publisher->ledger().balanced());
  const auto held = c->publisher->ledger().held;
  const auto open = c->builder.frame_ledger().held;
  EXPECT_GT(open, 0u);
  c->publisher = publisher("c0");  // the old one goes as it is
  EXPECT_EQ(c->publisher->ledger().in, held);
  cluster_.set_down(false);
  c->add(std::span(one).subspan(half));
  c->finish();
  EXPECT_EQ(c->publisher->ledger().held, 0u);
  Collector other(publisher("c1"));
  other.add(part(1));
  other.finish();
  auto d = detector("0,1,2,3");
  turn_to_end(*d);
  d->finish();
  expect_alerts();
}

TEST_F(Fleet, WhatDoesNotFitIsDroppedAndCounted) {
  cluster_.set_down(true);
  const auto without_broker = [&] {
    const PublishOptions o{cluster_.url("frames", "timeout=1s"), "c0", uint64_t{1} << 20,
                           folder() / "none.db"};
    FramePublisher(o, kStep_ms, std::nullopt, [](const std::string&) {});
  };
  EXPECT_THROW(without_broker(), base::Error) << "how many partitions there are is not known";
  cluster_.set_down(false);
  Collector c(publisher("c0", uint64_t{1} << 20));
  cluster_.set_down(true);
  for (int i = 0; i < 3; ++i) {
    auto later = *flows_;  // three times as long
    for (auto& f : later) {
      const int64_t shift = i * kSteps * kStep_ms;
      f.start_ms += shift;
      f.end_ms += shift;
      f.received_ms += shift;
    }
    c.add(later);
  }
  const auto ledger = c.publisher->ledger();
  EXPECT_TRUE(ledger.balanced());
  ASSERT_EQ(ledger.drops.size(), 1u);
  EXPECT_EQ(ledger.drops[0].first, "queue_full");
  EXPECT_GT(ledger.held, ledger.dropped() / 10);
  EXPECT_NE(log_.find("no more fit"), std::string::npos);
}

// A collector of a topic that is killed reads its flows again: what it has queued since its last mark is made anew, and what was
// sent already is not counted twice.
TEST_F(Fleet, WhatIsReadAgainIsPublishedOnce) {
  const auto one = part(0);
  uint64_t mark = 0;
  {
    Collector c(publisher("c0"));
    c.add(std::span(one).first(one.size() / 3));
    mark = c.publisher->sync();
    c.add(std::span(one).subspan(one.size() / 3, one.size() / 3));
    for (int i = 0; i < 200 && c.publisher->ledger().out < 200; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      c.publisher->pump();
    }
    EXPECT_GT(c.publisher->ledger().out, 0u);
  }
  Collector again(publisher("c0", uint64_t{1} << 26, mark));
  again.builder.set_node_tap(nullptr);
  again.add(std::span(one).first(one.size() / 3));  // as its open steps restore it
  again.tap();
  again.add(std::span(one).subspan(one.size() / 3));
  again.finish();
  Collector other(publisher("c1"));
  other.add(part(1));
  other.finish();
  auto d = detector("0,1,2,3");
  turn_to_end(*d);
  d->finish();
  expect_alerts();
}

TEST_F(Fleet, PoisonIsCountedAndPassed) {
  publish_all();
  for (int i = 0; i < 3; ++i) cluster_.produce("frames", 2, "{poison");
  cluster_.produce("frames", 1, "", true);
  cluster_.flush();
  auto d = detector("0,1,2,3");
  turn_to_end(*d);
  d->report();
  d->finish();
  expect_balanced(*d);
  std::map<std::string_view, uint64_t> drops;
  for (const auto& v : d->counts().ledgers) {
    if (v.stage == "frame records") drops.insert(v.drops.begin(), v.drops.end());
  }
  EXPECT_EQ(drops["not_frames"], 3u);
  EXPECT_EQ(drops["tombstone"], 1u);
  EXPECT_NE(log_.find("not_frames"), std::string::npos);
  expect_alerts();
}

TEST_F(Fleet, StateOfAnotherTopicIsRefused) {
  publish_all();
  detector("0")->finish();
  auto d = detector("0");
  turn_until(*d, 5);
  d->finish();
  d = nullptr;
  cluster_.create("others", kPartitions);
  FrameDetectorOptions o;
  o.frames.topic = cluster_.url("others");
  o.frames.state = folder() / "state";
  o.detect = Reference::detect_options();
  EXPECT_THROW(FrameDetector(o, {}, {}), base::Error);
}

}  // namespace
}  // namespace netflowgen::serve
