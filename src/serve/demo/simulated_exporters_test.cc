#include "serve/demo/simulated_exporters.h"

#include <gtest/gtest.h>

#include "flow/decoder/decoder.h"
#include "serve/demo/demo_scenario.h"

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kStart = 1'700'000'040'000;  // a whole minute

struct Taken {
  std::vector<flow::Flow> flows;
  std::vector<base::TimeMs> received;
  size_t calls = 0;
};

class SimulatedExportersTest : public testing::Test {
 protected:
  // Everything that is due, through the decoder.
  Taken take_all() {
    Taken t;
    flow::DatagramQueue queue;
    for (; source_.take(queue, 0); ++t.calls) {
      while (!queue.empty()) {
        const auto d = queue.pop();
        t.received.push_back(d.received_ms);
        decoder_.decode(d, t.flows);
      }
    }
    return t;
  }

  base::TimeMs now_ = kStart + 20 * 60'000;
  SimulatedExporters source_{{kStart, kStart + 10 * 60'000, [this] { return now_; }}};
  flow::Decoder decoder_;
};

TEST_F(SimulatedExportersTest, ThePastComesAtOnceAndEqualsTheSimulatorsFlows) {
  EXPECT_EQ(source_.now(), kStart);
  const auto t = take_all();
  EXPECT_GT(t.calls, 1u);
  EXPECT_TRUE(std::is_sorted(t.received.begin(), t.received.end()));
  EXPECT_LE(t.received.back(), now_);
  EXPECT_EQ(source_.now(), now_);
  sim::Simulator simulator(demo_scenario(kStart, kStart + 10 * 60'000));
  std::vector<flow::Flow> wanted(t.flows.size() + 1);
  wanted.resize(simulator.read(wanted));
  ASSERT_EQ(wanted.size(), t.flows.size() + 1);
  EXPECT_GE(wanted.back().received_ms, now_);  // all that is due has come
  wanted.pop_back();
  // A router's flows are in order; routers share windows of a second.
  const auto order = [](const flow::Flow& a, const flow::Flow& b) {
    return std::tie(a.exporter, a.start_ms, a.end_ms, a.src, a.dst, a.src_port, a.dst_port, a.bytes) <
           std::tie(b.exporter, b.start_ms, b.end_ms, b.src, b.dst, b.src_port, b.dst_port, b.bytes);
  };
  auto seen = t.flows;
  std::sort(seen.begin(), seen.end(), order);
  std::sort(wanted.begin(), wanted.end(), order);
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_EQ(seen[i].src, wanted[i].src);
    ASSERT_EQ(seen[i].dst, wanted[i].dst);
    ASSERT_EQ(seen[i].bytes, wanted[i].bytes);
    ASSERT_EQ(seen[i].packets, wanted[i].packets);
    ASSERT_EQ(seen[i].sampling, wanted[i].sampling);
    ASSERT_EQ(seen[i].start_ms, wanted[i].start_ms);
    ASSERT_EQ(seen[i].exporter, wanted[i].exporter);
  }
  ASSERT_EQ(decoder_.exporters().size(), 2u);
  for (const auto& e : decoder_.exporters()) EXPECT_EQ(e.sequences.at(0).lost, 0u);
  EXPECT_TRUE(source_.ledger().balanced());
  EXPECT_EQ(source_.ledger().in, t.received.size());
}

TEST_F(SimulatedExportersTest, ThenFlowsComeWhenTheyAreDue) {
  take_all();
  EXPECT_TRUE(take_all().received.empty());
  size_t flows = 0;
  for (int second = 0; second < 30; ++second) {
    now_ += 1'000;
    const auto t = take_all();
    flows += t.flows.size();
    for (const auto received : t.received) EXPECT_EQ(received, now_ / 1'000 * 1'000);
  }
  EXPECT_GT(flows, 0u);
}

TEST_F(SimulatedExportersTest, AStopEndsItAndNoTimePasses) {
  flow::DatagramQueue queue;
  ASSERT_TRUE(source_.take(queue, 0));
  source_.stop();
  EXPECT_FALSE(source_.take(queue, 60'000));  // without waiting
  EXPECT_LT(source_.now(), now_);
}

TEST_F(SimulatedExportersTest, AScenarioFollowsAScenario) {
  const base::TimeMs end = kStart + kDemoLength_ms;
  // From the last minutes of the first one on: the simulator is fast, and a day of it is a second.
  now_ = end + 3 * 60'000;
  const auto t = take_all();
  ASSERT_FALSE(t.flows.empty());
  EXPECT_GT(t.flows.back().start_ms, end);
}

TEST(DemoScenario, AttacksAreHourlyInThePastAndFrequentFromTheStartOn) {
  const base::TimeMs live = kStart + kDemoHistory_ms + 17'000;
  const sim::Simulator simulator(demo_scenario(kStart, live));
  size_t past = 0;
  size_t soon = 0;
  double end = 0;
  for (const auto& a : simulator.attacks()) {
    EXPECT_GE(a.start_ms, end) << "two attacks at a time";
    end = a.end_ms;
    const auto start = static_cast<base::TimeMs>(a.start_ms);
    if (start < live) ++past;
    if (start >= live && start < live + base::kHourMs) ++soon;
  }
  EXPECT_EQ(past, 5u);
  EXPECT_EQ(soon, 12u);
  const auto first = std::find_if(simulator.attacks().begin(), simulator.attacks().end(),
                                  [&](const auto& a) { return a.start_ms >= static_cast<double>(live); });
  ASSERT_NE(first, simulator.attacks().end());
  EXPECT_LE(first->start_ms, static_cast<double>(live + 60'000));
}

}  // namespace
}  // namespace netflowgen::serve
