// Laws: with a plan the frames depend on the flows alone, not on their order; spilled steps give the same frames.
#include "series/arrival.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

using base::Random;
using flow::Flow;

constexpr base::TimeMs kBase = 1'700'000'040'000;  // a multiple of 60 s
constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

class Frames : public FrameSink {
 public:
  void frame(const NodeKey& node, int64_t step, std::span<const float> frame) override {
    EXPECT_GE(step, last_step_);
    last_step_ = step;
    auto& at = all[{name_of(node), step}];
    EXPECT_TRUE(at.empty()) << name_of(node) << " twice at " << step;
    at.assign(frame.begin(), frame.end());
  }
  std::map<std::pair<std::string, int64_t>, std::vector<float>> all;

 private:
  int64_t last_step_ = INT64_MIN;
};

bool same(const Frames& a, const Frames& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.size() == y.second.size() &&
           std::equal(x.second.begin(), x.second.end(), y.second.begin(),
                      [](float u, float v) { return std::isnan(u) ? std::isnan(v) : u == v; });
  };
  return a.all.size() == b.all.size() && std::equal(a.all.begin(), a.all.end(), b.all.begin(), equal);
}

// Flows over `span`, most of them short, some of hours.
std::vector<Flow> traffic(size_t count, int64_t span, uint64_t seed) {
  Random random(seed);
  const FlowMaker maker(random);
  std::vector<Flow> flows;
  for (size_t i = 0; i < count; ++i) {
    Flow f = maker.make(random);
    f.start_ms = kBase + static_cast<int64_t>(random.below(static_cast<uint64_t>(span)));
    f.end_ms = f.start_ms + static_cast<int64_t>(random.below(random.chance(0.05) ? 10 * kMinute : 50'000));
    flows.push_back(f);
  }
  std::sort(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) { return a.start_ms < b.start_ms; });
  return flows;
}

struct Built {
  Frames frames;
  base::LedgerView flows;
  LateFlows late;
  uint64_t spilled = 0;
};

Built build(const std::vector<Flow>& flows, const SeriesOptions& options) {
  Built run;
  SeriesBuilder builder(options, run.frames);
  for (size_t at = 0; at < flows.size(); at += 100) {
    builder.add(std::span(flows).subspan(at, std::min<size_t>(100, flows.size() - at)));
    EXPECT_TRUE(builder.flow_ledger().balanced());
    EXPECT_TRUE(builder.frame_ledger().balanced());
  }
  builder.finish();
  run.flows = builder.flow_ledger();
  run.late = builder.late();
  run.spilled = builder.spilled_bytes();
  EXPECT_TRUE(run.flows.balanced());
  EXPECT_EQ(builder.frame_ledger().held, 0u);
  return run;
}

std::shared_ptr<const ArrivalPlan> plan_of(const std::vector<Flow>& flows,
                                           const SeriesOptions& options = {}) {
  ArrivalMeter meter(options);
  for (size_t at = 0; at < flows.size(); at += 77)
    meter.add(std::span(flows).subspan(at, std::min<size_t>(77, flows.size() - at)));
  return std::make_shared<const ArrivalPlan>(meter.finish());
}

Built build_twice(const std::vector<Flow>& flows, SeriesOptions options = {}) {
  options.plan = plan_of(flows, options);
  return build(flows, options);
}

// The same flows in another order.
std::vector<Flow> by_end(std::vector<Flow> flows) {
  std::stable_sort(flows.begin(), flows.end(),
                   [](const Flow& a, const Flow& b) { return a.end_ms < b.end_ms; });
  return flows;
}
std::vector<Flow> second_half_first(std::vector<Flow> flows) {
  std::rotate(flows.begin(), flows.begin() + static_cast<std::ptrdiff_t>(flows.size() / 2), flows.end());
  return flows;
}
std::vector<Flow> reversed(std::vector<Flow> flows) {
  std::reverse(flows.begin(), flows.end());
  return flows;
}
std::vector<Flow> by_host(std::vector<Flow> flows) {
  std::stable_sort(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) { return a.src < b.src; });
  return flows;
}
std::vector<Flow> shuffled(std::vector<Flow> flows) {
  Random random(5);
  for (size_t i = flows.size(); i > 1; --i) std::swap(flows[i - 1], flows[random.below(i)]);
  return flows;
}

TEST(Arrival, FramesDependOnTheFlowsAloneNotOnTheirOrder) {
  for (const uint64_t seed : {1, 2}) {
    const auto flows = traffic(2000, 40 * kMinute, seed);
    const Built sorted = build(flows, {});
    EXPECT_FALSE(sorted.late.any());
    for (const auto& order :
         {flows, by_end(flows), second_half_first(flows), reversed(flows), by_host(flows), shuffled(flows)}) {
      const Built run = build_twice(order);
      EXPECT_EQ(run.flows.out, flows.size());
      EXPECT_EQ(run.flows.dropped(), 0u);
      EXPECT_TRUE(same(run.frames, sorted.frames));
    }
  }
}

TEST(Arrival, WithoutAPlanTheLateAreCountedAndTheAdviceHelps) {
  auto flows = traffic(12'000, kHour, 4);
  for (auto& f : flows) f.end_ms = f.start_ms + 1000;
  flows = second_half_first(flows);
  const Built run = build(flows, {});
  EXPECT_GT(run.late.dropped, 5500u);
  EXPECT_NEAR(static_cast<double>(run.late.most_ms), static_cast<double>(kHour), kMinute);
  const std::string advice = late_text(run.late, run.flows.in, 2 * kMinute);
  EXPECT_THAT(advice,
              testing::MatchesRegex(
                  "[0-9]+ flows \\((49|50) %\\) came up to (59|60) min late, more than --lateness 2m, "
                  "and were dropped: read again with --lateness 1h"));
  EXPECT_EQ(build(flows, {.lateness_ms = kHour}).flows.out, 12'000u);
  EXPECT_EQ(late_text({}, 100, kMinute), "");
  EXPECT_THAT(late_text({.dropped = 999, .most_ms = 30 * kHour}, 1000, kMinute),
              testing::StartsWith("999 flows (100 %) came up to 30 h late, more than --lateness 1m"));
  EXPECT_THAT(late_text({.dropped = 1, .most_ms = kMinute}, 1000, kMinute),
              testing::StartsWith("1 flows (0.1 %)"));
}

TEST(Arrival, OpenStepsBeyondTheMemoryGoToTheDisk) {
  const auto flows = traffic(4000, 2 * kHour, 6);
  const Built sorted = build(flows, {});
  for (const auto& order : {reversed(flows), shuffled(flows)}) {
    const Built run = build_twice(order, {.memory_bytes = 32 << 20, .spill_folder = testing::TempDir()});
    EXPECT_GT(run.spilled, 1u << 18);
    EXPECT_EQ(run.flows.out, flows.size());
    EXPECT_TRUE(same(run.frames, sorted.frames));
  }
  EXPECT_THROW(build_twice(flows, {.memory_bytes = 1, .spill_folder = "/nonexistent"}), base::Error);
}

TEST(Arrival, StepsCloseAsSoonAsNothingMoreComes) {
  auto flows = traffic(2000, kHour, 7);
  for (auto& f : flows) f.end_ms = f.start_ms;
  SeriesOptions options;
  options.plan = plan_of(flows);
  EXPECT_LE(options.plan->stairs.size(), 61u);
  Frames frames;
  SeriesBuilder builder(options, frames);
  builder.add(std::span(flows).first(flows.size() - 1));
  const int64_t last_step = flows.back().start_ms / kMinute;
  EXPECT_EQ(builder.oldest_open(), last_step);
}

TEST(Arrival, AFlowOfAWrongClockIsKnownByItsNeighbours) {
  auto flows = traffic(5000, 2 * kHour, 8);
  const Built right = build(flows, {});
  Flow past = flows[3000];
  past.start_ms = past.end_ms = 946'684'800'000;  // 2000-01-01, as of a router without a clock
  Flow future = flows[3500];
  future.start_ms = future.end_ms = kBase + 400 * kDay;
  flows.insert(flows.begin() + 3500, future);
  flows.insert(flows.begin() + 3000, past);
  const Built run = build_twice(flows);
  EXPECT_THAT(run.flows.drops,
              testing::UnorderedElementsAre(testing::Pair("far_ahead", 1u), testing::Pair("far_behind", 1u)));
  EXPECT_TRUE(same(run.frames, right.frames));
}

TEST(Arrival, FlowsThatAreOnlyFarApartAreBelieved) {
  // Dense evenings with three backups in the night, in order; and a long flow that is reported when it ends.
  std::vector<Flow> flows;
  for (int day = 0; day < 4; ++day) {
    auto evening = traffic(1000, kHour, 20 + static_cast<uint64_t>(day));
    for (auto& f : evening) f.start_ms += day * kDay, f.end_ms = f.start_ms;
    flows.insert(flows.end(), evening.begin(), evening.end());
    for (int i = 0; i < 3; ++i) {
      Flow backup = evening[0];
      backup.start_ms = backup.end_ms = kBase + day * kDay + 8 * kHour + i * kMinute;
      flows.push_back(backup);
    }
  }
  Flow lasting = flows[1503];
  lasting.start_ms = flows[1503].start_ms - 20 * kHour;
  flows.insert(flows.begin() + 1503, lasting);
  EXPECT_THAT(plan_of(flows)->astray, testing::IsEmpty());
  EXPECT_EQ(build_twice(flows).flows.out, flows.size());
  // Without a plan the backups of a night are late once the next evening has begun.
  EXPECT_LT(build(flows, {}).flows.out, flows.size());
}

TEST(Arrival, NoOrderMakesAClockWrong) {
  for (const int64_t minutes : {40, 110, 120, 130, 150, 200, 400, 3000}) {
    const auto flows = traffic(3000, minutes * kMinute, 11);
    for (const auto& order : {shuffled(flows), reversed(flows), by_host(flows), by_end(flows)})
      EXPECT_THAT(plan_of(order)->astray, testing::IsEmpty()) << minutes << " min";
  }
}

TEST(Arrival, WhatTheStoreHoldsStaysClosed) {
  const auto flows = shuffled(traffic(4000, 2 * kHour, 9));
  SeriesOptions options;
  options.closed_before = kBase / kMinute + 60;
  const Built run = build_twice(flows, options);
  EXPECT_GT(run.flows.dropped(), 1000u);
  EXPECT_FALSE(run.late.any());  // more lateness would not help
  EXPECT_FALSE(
      build(by_end(flows), {.lateness_ms = kDay, .closed_before = options.closed_before}).late.any());
  EXPECT_EQ(plan_of(flows, options)->first_step(), options.closed_before);
  for (const auto& [key, frame] : run.frames.all) EXPECT_GE(key.second, options.closed_before);
}

TEST(Arrival, RefusedFlowsHaveARule) {
  auto flows = traffic(200, kMinute, 10);
  flows[20].start_ms = flows[20].end_ms = 0;
  flows[30].start_ms = flows[30].end_ms = 86'400'000;
  flows[40].start_ms -= 3 * kDay;
  const Built run = build_twice(flows);
  ASSERT_EQ(run.flows.rules.size(), 2u);
  EXPECT_EQ(run.flows.rules[0].first, "bad_time");
  EXPECT_THAT(run.flows.rules[0].second,
              testing::StartsWith(
                  "first a flow from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z, all of them between "
                  "1970-01-01T00:00:00Z and 1970-01-02T00:00:00Z; rule: a flow starts at "
                  "1990-01-01T00:00:00Z or later"));
  EXPECT_EQ(run.flows.rules[1].first, "too_long");
  EXPECT_THAT(run.flows.rules[1].second,
              testing::HasSubstr("rule: a flow lasts at most 86400 s (--max-duration)"));
}

}  // namespace
}  // namespace netflowgen::series
