#include "detect/filter_choice.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

const base::IpAddr kVictim = *base::IpAddr::parse("192.0.2.1");

SampledFlow flow_of(uint32_t i, uint8_t protocol, uint16_t src_port, uint16_t dst_port,
                    uint64_t packets = 10) {
  SampledFlow s;
  s.src = base::IpAddr::v4(0xcb007100 + i);
  s.dst = kVictim;
  s.packets = packets;
  s.bytes = packets * 500;
  s.hash = base::mix64(i * 7919 + protocol);
  s.protocol = protocol;
  s.src_port = src_port;
  s.dst_port = dst_port;
  s.tcp_flags = protocol == flow::kTcp ? flow::kSyn | flow::kAck | flow::kPsh : 0;
  s.ported = s.flagged = true;
  return s;
}

// A web server's steps: 98 % of the packets are HTTPS, the rest answers of a name server.
UsualTraffic web_server() {
  UsualTraffic traffic;
  for (int64_t step = 0; step < 30; ++step) {
    std::vector<SampledFlow> flows;
    for (uint32_t i = 0; i < 50; ++i) {
      const uint32_t n = static_cast<uint32_t>(step) * 100 + i;
      flows.push_back(i == 0 ? flow_of(n, flow::kUdp, 53, 40000) : flow_of(n, flow::kTcp, 50000, 443));
    }
    traffic.add(step, 60'000, flows, 0);
  }
  return traffic;
}

struct Suggestion {
  std::vector<SampledFlow> sample;
  std::vector<float> frame = std::vector<float>(series::kFeatureCount, std::nanf(""));
  UsualTraffic traffic = web_server();

  Suggestion() {
    frame[series::kPacketsIn] = 6000;
    frame[series::kBytesIn] = 3'000'000;
  }
  Filter operator()(std::string_view type, bool with_traffic = true) const {
    const auto evidence = FlowSample::evidence(sample);
    return *suggest_filter("192.0.2.1", type, sample.empty() ? nullptr : &evidence, sample,
                           {with_traffic ? &traffic : nullptr, frame, 60});
  }
};

TEST(FilterChoice, NarrowestThatCovers) {
  Suggestion s;
  for (uint32_t i = 0; i < 100; ++i) {
    s.sample.push_back(
        flow_of(i, i < 90 ? flow::kUdp : flow::kTcp, i < 90 ? 123 : 40000, static_cast<uint16_t>(1000 + i)));
  }
  const Filter f = s("ntp_amplification");
  EXPECT_EQ(f.protocol, flow::kUdp);
  EXPECT_EQ(f.src_port, 123);
  EXPECT_FALSE(f.dst_port.has_value());
  EXPECT_FALSE(f.source.has_value());
  EXPECT_DOUBLE_EQ(f.covers, 0.9);
  EXPECT_DOUBLE_EQ(f.collateral, 0);
  EXPECT_EQ(f.action, FilterAction::kDrop);
  EXPECT_FALSE(suggest_filter("AS64500", "udp_flood", nullptr, s.sample, {}).has_value());
  s.sample.clear();
  const Filter plain = s("ntp_amplification");
  EXPECT_EQ(plain.src_port, 123);
  EXPECT_DOUBLE_EQ(plain.covers, 0);
}

TEST(FilterChoice, NeverDropsTheService) {
  Suggestion s;
  for (uint32_t i = 0; i < 100; ++i)
    s.sample.push_back(flow_of(i, flow::kTcp, static_cast<uint16_t>(20000 + i), 443));
  const Filter f = s("http_flood");
  EXPECT_EQ(f.dst_port, 443);
  EXPECT_NEAR(f.collateral, 0.98, 0.03);
  EXPECT_EQ(f.action, FilterAction::kNone);
  EXPECT_NE(f.reason.find("% of the node's usual traffic"), std::string::npos) << f.reason;
  EXPECT_EQ(nftables_line(f), "");
}

TEST(FilterChoice, LimitsWhatIsPartOfTheUsualTraffic) {
  Suggestion s;
  s.traffic = UsualTraffic();
  for (int64_t step = 0; step < 30; ++step) {
    std::vector<SampledFlow> flows;
    for (uint32_t i = 0; i < 20; ++i) {
      const uint32_t n = static_cast<uint32_t>(step) * 100 + i;
      flows.push_back(i < 5 ? flow_of(n, flow::kUdp, 50000, 4500) : flow_of(n, flow::kTcp, 50000, 443));
    }
    s.traffic.add(step, 60'000, flows, 0);
  }
  for (uint32_t i = 0; i < 100; ++i)
    s.sample.push_back(flow_of(i, flow::kUdp, static_cast<uint16_t>(20000 + i), 4500));
  const Filter f = s("udp_flood");
  EXPECT_NEAR(f.collateral, 0.25, 0.19);  // of 48 flows
  EXPECT_EQ(f.action, FilterAction::kRateLimit);
  EXPECT_NEAR(f.rate_bytes, 2 * 50'000 * f.collateral, 1e-6);  // twice what is usual of it
}

// A drop of SYN keeps few packets away, but no connection comes about.
TEST(FilterChoice, SynCountsAsItsConnections) {
  Suggestion s;
  for (uint32_t i = 0; i < 100; ++i) {
    s.sample.push_back(flow_of(i, flow::kTcp, static_cast<uint16_t>(20000 + i), 443));
    s.sample.back().tcp_flags = flow::kSyn;
  }
  const Filter f = s("syn_flood");
  EXPECT_TRUE(f.syn_only);
  EXPECT_GT(f.collateral, 0.9);
  EXPECT_EQ(f.action, FilterAction::kRateLimit);
  // One SYN in ten packets: 600 a minute of 60 bytes, twice.
  EXPECT_NEAR(f.rate_bytes, std::max(1000.0, 2 * 6000 * 0.098 * 60 / 60), 200);
}

TEST(FilterChoice, WithoutASampleTheUsualSharesBoundIt) {
  Suggestion s;
  for (uint32_t i = 0; i < 100; ++i)
    s.sample.push_back(flow_of(i, flow::kUdp, static_cast<uint16_t>(20000 + i), 4500));
  const Filter unknown = s("udp_flood", false);
  EXPECT_TRUE(std::isnan(unknown.collateral));
  EXPECT_EQ(unknown.action, FilterAction::kNone);
  s.frame[series::kUdpShareIn] = 0.02f;
  const Filter little = s("udp_flood", false);
  EXPECT_NEAR(little.collateral, 0.02, 1e-6);
  EXPECT_EQ(little.usual_flows, 0u);
  EXPECT_EQ(little.action, FilterAction::kDrop);
  s.frame[series::kUdpShareIn] = 0.9f;
  EXPECT_EQ(s("udp_flood", false).action, FilterAction::kNone);
}

TEST(UsualTraffic, BoundedFairAndWithoutOrder) {
  base::Random random(3);
  std::vector<std::vector<SampledFlow>> steps(40);
  double udp = 0;
  double all = 0;
  for (auto& step : steps) {
    for (uint32_t i = 0; i < 300; ++i) {
      const bool is_udp = random.chance(0.2);
      const auto packets = static_cast<uint64_t>(random.pareto(1, 1.3));
      step.push_back(flow_of(static_cast<uint32_t>(random.next()), is_udp ? flow::kUdp : flow::kTcp, 5000,
                             443, packets));
      all += static_cast<double>(packets);
      udp += is_udp ? static_cast<double>(packets) : 0;
    }
  }
  UsualTraffic forwards;
  UsualTraffic backwards;
  UsualTraffic even;
  UsualTraffic odd;
  for (size_t i = 0; i < steps.size(); ++i) {
    forwards.add(static_cast<int64_t>(i), 60'000, steps[i], 0);
    (i % 2 == 0 ? even : odd).add(static_cast<int64_t>(i), 60'000, steps[i], 0);
    const size_t j = steps.size() - 1 - i;
    std::reverse(steps[j].begin(), steps[j].end());
    backwards.add(static_cast<int64_t>(j), 60'000, steps[j], 0);
  }
  even.merge(odd);
  Filter f;
  f.protocol = flow::kUdp;
  EXPECT_EQ(forwards.flows().size(), kUsualFlows);
  EXPECT_NEAR(forwards.collateral(f).packets, udp / all, 0.2);
  EXPECT_NEAR(forwards.collateral(f).packets, backwards.collateral(f).packets, 1e-12);
  EXPECT_NEAR(forwards.collateral(f).packets, even.collateral(f).packets, 1e-12);
  EXPECT_EQ(forwards.log_threshold(), backwards.log_threshold());
  UsualTraffic again;
  again.set(forwards.flows(), forwards.log_threshold());
  EXPECT_EQ(again.flows(), forwards.flows());
}

TEST(UsualTraffic, OneLargeStepDoesNotDriveOutTheOthers) {
  UsualTraffic traffic;
  for (int64_t step = 0; step < 100; ++step) {
    std::vector<SampledFlow> flows;
    const bool large = step == 50;
    for (uint32_t i = 0; i < 20; ++i) {
      flows.push_back(flow_of(static_cast<uint32_t>(step) * 100 + i, large ? flow::kUdp : flow::kTcp, 5000,
                              443, large ? 1'000'000 : 10));
    }
    traffic.add(step, 60'000, flows, 400);
  }
  Filter f;
  f.protocol = flow::kUdp;
  EXPECT_LT(traffic.collateral(f).packets, 0.1);
}

}  // namespace
}  // namespace netflowgen::detect
