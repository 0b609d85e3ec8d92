#include "detect/attack_type.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "series/features.h"

namespace netflowgen::detect {
namespace {

struct Mix {
  float packets = 0;
  float flows = 0;
  float size = 0;
  float tcp = 0;
  float udp = 0;
  float icmp = 0;
  float other = 0;
  float syn = 0;
  float rst = 0;
  float fragments = 0;
  float reflectors = 0;
};

std::vector<float> frame_of(const Mix& m) {
  std::vector<float> f(series::kFeatureCount, 0.0f);
  f[series::kPacketsIn] = m.packets;
  f[series::kFlowsIn] = m.flows;
  f[series::kBytesIn] = m.packets * m.size;
  f[series::kPacketSizeIn] = m.size;
  f[series::kTcpShareIn] = m.tcp;
  f[series::kUdpShareIn] = m.udp;
  f[series::kIcmpShareIn] = m.icmp;
  f[series::kOtherShareIn] = m.other;
  f[series::kSynShareIn] = m.syn;
  f[series::kRstShareIn] = m.rst;
  f[series::kFragmentShareIn] = m.fragments;
  f[series::kReflectorShareIn] = m.reflectors;
  f[series::kPeersIn] = 20;
  f[series::kPortsIn] = 3;
  return f;
}

// A web server's normal: TCP with full packets.
const Mix kNormal{1000, 100, 400, 0.95f, 0.05f, 0, 0, 0.05f, 0.02f, 0, 0};

std::string type(const Mix& seen, const FlowEvidence* flows = nullptr) {
  const auto guess = guess_type(frame_of(seen), frame_of(kNormal), flows);
  EXPECT_GE(guess.probability, 0);
  EXPECT_LE(guess.probability, 1);
  EXPECT_FALSE(guess.by_model);
  return guess.type;
}

TEST(AttackType, ByWhatGrew) {
  EXPECT_EQ(type({21000, 20100, 60, 1, 0, 0, 0, 0.99f, 0, 0, 0}), "syn_flood");
  EXPECT_EQ(type({21000, 20100, 55, 1, 0, 0, 0, 0, 0.99f, 0, 0}), "rst_flood");
  EXPECT_EQ(type({21000, 20100, 60, 1, 0, 0, 0, 0.01f, 0.01f, 0, 0}), "ack_flood");
  EXPECT_EQ(type({31000, 2100, 500, 1, 0, 0, 0, 0.02f, 0, 0, 0}), "http_flood");
  EXPECT_EQ(type({21000, 20100, 600, 0.05f, 0.95f, 0, 0, 0, 0, 0, 0}), "udp_flood");
  EXPECT_EQ(type({21000, 300, 1100, 0.05f, 0.95f, 0, 0, 0, 0, 0, 0.97f}), "amplification");
  EXPECT_EQ(type({21000, 300, 1100, 0.05f, 0.95f, 0, 0, 0, 0, 0.95f, 0}), "fragment_flood");
  EXPECT_EQ(type({21000, 300, 300, 0.05f, 0, 0.95f, 0, 0, 0, 0, 0}), "icmp_flood");
  EXPECT_EQ(type({21000, 300, 500, 0.05f, 0, 0, 0.95f, 0, 0, 0, 0}), "other_protocol_flood");
  EXPECT_EQ(type({1010, 101, 400, 0.25f, 0.25f, 0.25f, 0.25f, 0, 0, 0, 0}), "unknown");
}

TEST(AttackType, FlowsNameTheService) {
  FlowEvidence flows;
  flows.sampled = 10;
  flows.source_ports = {{"123", 0.9, 0, 0, 0}};
  EXPECT_EQ(type({21000, 300, 440, 0.05f, 0.95f, 0, 0, 0, 0, 0, 0.97f}, &flows), "ntp_amplification");
  flows.protocols = {{"47", 0.95, 0, 0, 0}};
  EXPECT_EQ(type({21000, 300, 500, 0.05f, 0, 0, 0.95f, 0, 0, 0, 0}, &flows), "gre_flood");
}

TEST(AttackType, ClassesHead) {
  const std::vector<float> logits = {0, 2, 0};
  const auto guess = guess_from_logits(logits, {"a", "b", "c"});
  EXPECT_EQ(guess.type, "b");
  EXPECT_NEAR(guess.probability, std::exp(2.0) / (std::exp(2.0) + 2), 1e-9);
  EXPECT_TRUE(guess.by_model);
}

TEST(SuggestFilter, NarrowestThatCovers) {
  std::vector<SampledFlow> sample;
  for (uint32_t i = 0; i < 100; ++i) {
    SampledFlow s;
    s.src = base::IpAddr::v4(0xcb007100 + i);
    s.dst = *base::IpAddr::parse("192.0.2.1");
    s.packets = 10;
    s.protocol = i < 90 ? flow::kUdp : flow::kTcp;
    s.src_port = i < 90 ? 53 : 40000;
    s.dst_port = static_cast<uint16_t>(1000 + i);
    s.ported = true;
    sample.push_back(s);
  }
  const auto evidence = FlowSample::evidence(sample);
  const auto f = suggest_filter("192.0.2.1", "dns_amplification", &evidence, sample);
  ASSERT_TRUE(f.has_value());
  EXPECT_EQ(f->protocol, flow::kUdp);
  EXPECT_EQ(f->src_port, 53);
  EXPECT_FALSE(f->dst_port.has_value());
  EXPECT_FALSE(f->source.has_value());
  EXPECT_DOUBLE_EQ(f->covers, 0.9);
  EXPECT_FALSE(suggest_filter("AS64500", "udp_flood", &evidence, sample).has_value());
  const auto plain = suggest_filter("192.0.2.1", "ntp_amplification", nullptr, {});
  EXPECT_EQ(plain->src_port, 123);
  EXPECT_DOUBLE_EQ(plain->covers, 0);
}

}  // namespace
}  // namespace netflowgen::detect
