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
  float port = 443;
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
  f[series::kTopPortIn] = m.port;
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

TEST(AttackType, LargeTcpToAnotherPortIsNoHttpFlood) {
  EXPECT_EQ(type({31000, 2100, 900, 1, 0, 0, 0, 0.02f, 0, 0, 0, 5432}), "tcp_flood");
}

TEST(AttackType, ADownloadIsNoFlood) {
  FlowEvidence flows;
  flows.sampled = flows.sampled_packets = 1000;
  flows.source_ports = {{"443", 0.9, 0, 0, 0}};
  EXPECT_EQ(type({31000, 2100, 900, 1, 0, 0, 0, 0.02f, 0, 0, 0, 50000}, &flows), "unknown");
}

TEST(AttackType, NoFlowInTheStepIsNoNaN) {
  const auto guess =
      guess_type(frame_of({0, 0, 0, 0.5f, 0.5f, 0, 0, 0, 0, 0, 0}), frame_of(kNormal), nullptr);
  EXPECT_FALSE(std::isnan(guess.probability));
}

TEST(AttackType, FewFlowsAreNoCertainty) {
  const Mix seen{21000, 300, 440, 0.05f, 0.95f, 0, 0, 0, 0, 0, 0.97f};
  FlowEvidence flows;
  flows.source_ports = {{"123", 0.9, 0, 0, 0}};
  flows.protocols = {{"17", 0.95, 0, 0, 0}};
  double before = 0;
  for (const size_t n : {1, 3, 7, 50, 1000}) {
    flows.sampled = flows.sampled_packets = n;
    flows.source_ports[0].flows = flows.protocols[0].flows = static_cast<double>(n);
    const auto guess = guess_type(frame_of(seen), frame_of(kNormal), &flows);
    if (n <= 1) {
      EXPECT_EQ(guess.type, "unknown");
      continue;
    }
    EXPECT_EQ(guess.type, "ntp_amplification");
    EXPECT_GT(guess.probability, before);
    before = guess.probability;
    if (n == 3) {
      EXPECT_LT(before, 0.5);
    }
    if (n == 1000) {
      EXPECT_GT(before, 0.8);
    }
  }
  // Seven flows, two of them from the reflectors' port.
  flows.sampled = flows.sampled_packets = 7;
  flows.protocols[0].flows = 7;
  flows.source_ports[0].flows = 2;
  EXPECT_LT(guess_type(frame_of(seen), frame_of(kNormal), &flows).probability, 0.4);
}

TEST(AttackType, FlowsNameTheService) {
  FlowEvidence flows;
  flows.sampled = flows.sampled_packets = 1000;
  flows.source_ports = {{"123", 0.9, 0, 0, 0}};
  EXPECT_EQ(type({21000, 300, 440, 0.05f, 0.95f, 0, 0, 0, 0, 0, 0.97f}, &flows), "ntp_amplification");
  flows.protocols = {{"47", 0.95, 0, 0, 0}};
  EXPECT_EQ(type({21000, 300, 500, 0.05f, 0, 0, 0.95f, 0, 0, 0, 0}, &flows), "gre_flood");
}

TEST(AttackType, ClassesHead) {
  const std::vector<float> logits = {0, 2, 0};
  const auto guess = guess_from_logits(logits, {"a", "b", "c"}, 1e9);
  EXPECT_EQ(guess.type, "b");
  EXPECT_NEAR(guess.probability, std::exp(2.0) / (std::exp(2.0) + 2), 1e-6);
  EXPECT_TRUE(guess.by_model);
  EXPECT_LT(guess_from_logits(logits, {"a", "b", "c"}, 3).probability, 0.5);  // from three flows
}

}  // namespace
}  // namespace netflowgen::detect
