// The survey's sums, its bounds, and what it takes back.
#include "report/survey.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "report/watch_list.h"

namespace netflowgen::report {
namespace {

using base::IpAddr;

constexpr base::TimeMs kStart = 1'700'000'040'000;  // a whole minute
constexpr uint32_t kAll = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets |
                          flow::kKnownProtocol | flow::kKnownPorts | flow::kKnownDuration;

flow::Flow flow_of(const char* src, const char* dst, uint64_t bytes = 100) {
  flow::Flow f;
  f.start_ms = f.end_ms = kStart;
  f.src = *IpAddr::parse(src);
  f.dst = *IpAddr::parse(dst);
  f.exporter = *IpAddr::parse("192.0.2.254");
  f.bytes = bytes;
  f.packets = 2;
  f.protocol = flow::kTcp;
  f.src_port = 50'000;
  f.dst_port = 443;
  f.known = kAll;
  return f;
}

Survey survey_of(const std::vector<flow::Flow>& flows, SurveyLimits limits = {}) {
  Survey s({}, kStart + 3'600'000, limits);
  s.add(flows);
  return s;
}

TEST(Survey, SamplingIsUndoneAndFieldsThatAreNotKnownAddNothing) {
  auto sampled = flow_of("10.0.0.1", "192.0.2.1");
  sampled.sampling = 64;
  sampled.known |= flow::kKnownSampling;
  auto without = flow_of("10.0.0.1", "192.0.2.1");
  without.known &= ~static_cast<uint32_t>(flow::kKnownBytes);
  const Survey s = survey_of({sampled, without});
  EXPECT_EQ(s.total(), (Volume{2, 130, 6400}));
  EXPECT_EQ(s.tcp_services()[443], (Volume{2, 130, 6400}));
  EXPECT_EQ(s.addresses().at(*IpAddr::parse("10.0.0.1")).out.bytes, 6400u);
  const auto& exporter = s.exporters().begin()->second;
  EXPECT_EQ(exporter.sampling.at(64), 1u);
  EXPECT_EQ(exporter.announced, 1u);
}

TEST(Survey, FlowsThatTheSeriesRefusesAreNotCounted) {
  auto early = flow_of("10.0.0.1", "192.0.2.1");
  early.start_ms = early.end_ms = 0;
  auto endless = flow_of("10.0.0.1", "192.0.2.1");
  endless.end_ms += 3 * 86'400'000LL;
  EXPECT_EQ(survey_of({early, endless}).records(), 0u);
}

TEST(Survey, TakesAFlowBack) {
  const auto one = flow_of("10.0.0.1", "192.0.2.1", 7);
  const auto two = flow_of("10.0.0.2", "192.0.2.1", 9);
  Survey s = survey_of({one, two});
  s.remove(two);
  EXPECT_EQ(s.total(), survey_of({one}).total());
  EXPECT_EQ(s.records(), 1u);
  EXPECT_EQ(s.addresses().at(two.src).flows(), 0u);
  EXPECT_EQ(s.exporters().begin()->second.volume, survey_of({one}).exporters().begin()->second.volume);
}

TEST(Survey, ManyAddressesStayWithinTheLimitAndTheBusyOnesStay) {
  SurveyLimits limits;
  limits.addresses = 1000;
  Survey s({}, kStart, limits);
  for (uint32_t i = 0; i < 20'000; ++i) {
    auto f = flow_of("10.0.0.1", "192.0.2.1");
    f.src = IpAddr::v4(0x30000000u + i);
    s.add({&f, 1});
  }
  EXPECT_LE(s.addresses().size(), 1000u);
  EXPECT_GT(s.forgotten(), 18'000u);
  EXPECT_EQ(s.addresses().at(*IpAddr::parse("192.0.2.1")).in.flows, 20'000u);
  EXPECT_EQ(s.total().flows, 20'000u);
}

TEST(Survey, PairsAreSampledWithinTheLimit) {
  SurveyLimits limits;
  limits.pairs = 100;
  Survey s({}, kStart, limits);
  for (uint32_t i = 0; i < 10'000; ++i) {
    auto f = flow_of("10.0.0.1", "192.0.2.1");
    f.src = IpAddr::v4(0x30000000u + i);
    s.add({&f, 1});
  }
  EXPECT_LE(s.pairs().size(), 100u);
  EXPECT_GT(s.pairs().size(), 20u);
}

TEST(Survey, RepeatsOfTheSameAndOfAnotherExporter) {
  auto a = flow_of("10.0.0.1", "192.0.2.1");
  auto b = a;
  b.exporter = *IpAddr::parse("192.0.2.253");
  b.start_ms += 500;
  b.end_ms += 500;
  auto later = a;
  later.start_ms += 3'000'000;
  later.end_ms += 3'000'000;
  const Survey s = survey_of({a, a, b, later});
  EXPECT_EQ(s.repeats().looked_at, 4u);
  EXPECT_EQ(s.repeats().same, 1u);
  EXPECT_EQ(s.repeats().others, 1u);
}

TEST(Survey, StepsAndRunsOfAnAddress) {
  std::vector<flow::Flow> flows;
  for (const int minute : {0, 0, 1, 5}) {
    flows.push_back(flow_of("10.0.0.1", "192.0.2.1"));
    flows.back().start_ms = flows.back().end_ms = kStart + minute * 60'000;
  }
  flows.back().end_ms += 120'000;  // minutes 5, 6 and 7
  const auto v = survey_of(flows).addresses().at(*IpAddr::parse("10.0.0.1"));
  EXPECT_EQ(v.steps, 5u);
  EXPECT_EQ(v.runs, 2u);
}

TEST(Survey, TimesOfTheFutureAndOrder) {
  auto late = flow_of("10.0.0.1", "192.0.2.1");
  late.start_ms = late.end_ms = kStart + 7'200'000;
  const Survey s = survey_of({late, flow_of("10.0.0.1", "192.0.2.1")});
  EXPECT_EQ(s.future(), 1u);
  EXPECT_EQ(s.most_back_ms(), 7'200'000);
}

TEST(WatchList, TheBusiestAsFarAsTheBudgetGoes) {
  std::vector<flow::Flow> flows;
  for (int host = 1; host <= 9; ++host) {
    for (int i = 0; i < host; ++i)
      flows.push_back(flow_of(("10.0.0." + std::to_string(host)).c_str(), "192.0.2.1"));
  }
  const Survey s = survey_of(flows);
  NodeGuess own;
  own.prefixes = {{*base::Prefix::parse("10.0.0.0/24"), 9}};
  const auto all = choose_watched(s, own, {100, 1'000'000, 4});
  EXPECT_FALSE(all.cut());
  EXPECT_EQ(all.nodes.hosts, std::vector<base::Prefix>{*base::Prefix::parse("10.0.0.0/24")});
  const auto three = choose_watched(s, own, {3, 1'000'000, 4});
  ASSERT_EQ(three.watched, 3u);
  EXPECT_EQ(three.candidates, 9u);
  EXPECT_EQ(three.nodes.hosts.front().to_string(), "10.0.0.9/32");
  EXPECT_DOUBLE_EQ(three.flows, (9 + 8 + 7) / 45.0);
  EXPECT_EQ(choose_watched(s, own, {100, 5, 0}).watched, 5u);  // one step each
  EXPECT_EQ(choose_watched(s, own, {100, 0, 0}).watched, 1u);  // one at least
}

}  // namespace
}  // namespace netflowgen::report
