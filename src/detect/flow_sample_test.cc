#include "detect/flow_sample.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace netflowgen::detect {
namespace {

flow::Flow flow_of(uint32_t src, uint32_t dst, base::TimeMs start, uint16_t src_port = 1000) {
  flow::Flow f;
  f.src = base::IpAddr::v4(src);
  f.dst = base::IpAddr::v4(dst);
  f.exporter = base::IpAddr::v4(0xc0000201);
  f.start_ms = f.end_ms = start;
  f.src_port = src_port;
  f.dst_port = 80;
  f.protocol = flow::kTcp;
  f.tcp_flags = flow::kSyn;
  f.packets = 2;
  f.bytes = 100;
  f.sampling = 10;
  f.known = flow::kKnownPorts | flow::kKnownPackets | flow::kKnownBytes | flow::kKnownProtocol;
  return f;
}

constexpr uint32_t kVictim = 0x0a000001;

TEST(FlowSample, TopTalkersOfANode) {
  FlowSample sample(60'000);
  std::vector<flow::Flow> flows;
  for (uint32_t i = 0; i < 6; ++i)
    flows.push_back(flow_of(0xcb007100 + (i < 4 ? 1 : i), kVictim, 61'000 + i));
  flows.push_back(flow_of(1, kVictim + 1, 61'000));  // another node's
  flows.push_back(flow_of(1, kVictim, 200'000));     // another time
  sample.add(flows);
  const auto found = sample.flows(NodeMatch("10.0.0.1"), 1, 2);
  const auto e = FlowSample::evidence(found);
  EXPECT_EQ(e.sampled, 6u);
  EXPECT_EQ(e.distinct_sources, 3u);
  ASSERT_FALSE(e.sources.empty());
  EXPECT_EQ(e.sources[0].name, "203.0.113.1");
  EXPECT_DOUBLE_EQ(e.sources[0].share, 4.0 / 6);
  EXPECT_DOUBLE_EQ(e.sources[0].packets, 80);  // four flows of two packets, one in ten sampled
  EXPECT_DOUBLE_EQ(e.sources[0].bytes, 4000);
  EXPECT_EQ(e.exporters[0].name, "192.0.2.1");
  EXPECT_EQ(e.ports[0].name, "80");
  EXPECT_DOUBLE_EQ(e.syn_share, 1);
  sample.forget_before(3);
  EXPECT_EQ(sample.held(), 1u);
}

TEST(FlowSample, BoundedAndFairWhateverTheOrder) {
  base::Random random(1);
  std::vector<flow::Flow> flows;
  for (int i = 0; i < 50'000; ++i) {
    flows.push_back(flow_of(static_cast<uint32_t>(random.next()), kVictim, 1000,
                            static_cast<uint16_t>(i % 4 == 0 ? 53 : 1024 + random.below(60'000))));
  }
  FlowSample forwards(60'000, 1000);
  forwards.add(flows);
  std::reverse(flows.begin(), flows.end());
  FlowSample backwards(60'000, 1000);
  for (const auto& f : flows) backwards.add({&f, 1});
  EXPECT_LE(forwards.held(), 1000u);
  EXPECT_GT(forwards.held(), 300u);
  EXPECT_EQ(forwards.held(), backwards.held());
  EXPECT_EQ(forwards.level(0), backwards.level(0));
  const auto found = forwards.flows(NodeMatch("10.0.0.0/8"), 0, 0);
  const auto e = FlowSample::evidence(found);
  EXPECT_EQ(e, FlowSample::evidence(backwards.flows(NodeMatch("10.0.0.0/8"), 0, 0)));
  ASSERT_FALSE(e.source_ports.empty());
  EXPECT_EQ(e.source_ports[0].name, "53");
  EXPECT_NEAR(e.source_ports[0].share, 0.25, 0.06);
  EXPECT_NEAR(e.protocols[0].flows, 50'000, 10'000);
}

// The index of destinations beside the plain way, while flows still come and the sample is thinned.
TEST(FlowSample, FindsWhatALookAtEveryFlowFinds) {
  base::Random random(7);
  FlowSample sample(60'000, 500);
  const char* const nodes[] = {"10.0.0.1",    "10.0.0.255", "10.0.0.0/24",   "10.0.0.0/30", "0.0.0.0/0",
                               "192.0.2.1#7", "AS64500",    "2001:db8::/64", "10.9.9.9",    "router"};
  size_t compared = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<flow::Flow> flows;
    for (int i = 0; i < 97; ++i) {
      auto f =
          flow_of(static_cast<uint32_t>(random.next()), 0x0a000000 + static_cast<uint32_t>(random.below(300)),
                  static_cast<base::TimeMs>(random.below(180'000)));
      if (random.below(10) == 0) f.dst = *base::IpAddr::parse("2001:db8::7");
      f.in_if = 7;
      f.dst_as = random.below(2) == 0 ? 64500 : 1;
      flows.push_back(f);
    }
    sample.add(flows);
    for (const char* name : nodes) {
      const NodeMatch node(name);
      std::vector<uint64_t> expected;
      for (int64_t step = 1; step <= 2; ++step) {
        for (const auto& f : sample.step(step)) {
          if (node(f)) expected.push_back(f.hash);
        }
      }
      std::vector<uint64_t> found;
      for (const auto& f : sample.flows(node, 1, 2)) found.push_back(f.hash);
      EXPECT_EQ(found, expected) << name << " in round " << round;
      compared += found.size();
    }
  }
  EXPECT_GT(compared, 10'000u);
}

TEST(FlowSample, ClocksThatJumpDoNotFillIt) {
  FlowSample sample(60'000, 10);
  for (int64_t i = 0; i < 10'000; ++i) {
    const auto f = flow_of(1, kVictim, i * 60'000);
    sample.add({&f, 1});
  }
  EXPECT_LE(sample.held(), 64u);
}

TEST(NodeMatch, KindsOfNodes) {
  SampledFlow f;
  f.dst = *base::IpAddr::parse("192.0.2.7");
  f.exporter = *base::IpAddr::parse("198.51.100.1");
  f.in_if = 7;
  f.dst_as = 64500;
  EXPECT_TRUE(NodeMatch("192.0.2.7")(f));
  EXPECT_TRUE(NodeMatch("192.0.2.0/24")(f));
  EXPECT_FALSE(NodeMatch("192.0.2.8")(f));
  EXPECT_TRUE(NodeMatch("198.51.100.1#7")(f));
  EXPECT_FALSE(NodeMatch("198.51.100.1#8")(f));
  EXPECT_TRUE(NodeMatch("AS64500")(f));
  EXPECT_FALSE(NodeMatch("router/eth0").any());
  EXPECT_FALSE(NodeMatch("AS64500").destination().has_value());
}

}  // namespace
}  // namespace netflowgen::detect
