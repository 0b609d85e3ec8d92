// The guess of the network's own addresses, on small networks whose own addresses are known.
#include "report/node_guess.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace netflowgen::report {
namespace {

using base::IpAddr;

constexpr base::TimeMs kStart = 1'700'000'000'000;

IpAddr address(const std::string& text) { return *IpAddr::parse(text); }

class Network {
 public:
  void flow(const IpAddr& src, const IpAddr& dst, base::TimeMs at = kStart) {
    flow::Flow f;
    f.start_ms = f.end_ms = at;
    f.src = src;
    f.dst = dst;
    f.bytes = 100;
    f.packets = 1;
    f.protocol = flow::kTcp;
    f.known = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownProtocol;
    flows_.push_back(f);
  }
  // A question and its answer.
  void exchange(const IpAddr& a, const IpAddr& b) {
    flow(a, b);
    flow(b, a);
  }
  Survey survey(SurveyLimits limits = {}) const {
    Survey s({}, kStart + 1'000'000, limits);
    s.add(flows_);
    return s;
  }
  IpAddr outside() {
    const IpAddr a = IpAddr::v4(static_cast<uint32_t>(0x20000000 + random_.below(0x80000000)));
    return is_private(a) ? outside() : a;
  }
  base::Random& random() { return random_; }

 private:
  std::vector<flow::Flow> flows_;
  base::Random random_{1};
};

std::vector<std::string> names(const NodeGuess& guess) {
  std::vector<std::string> out;
  for (const auto& p : guess.prefixes) out.push_back(p.prefix.to_string());
  return out;
}
using Names = std::vector<std::string>;

TEST(NodeGuess, PrivateAddressesBehindPublicOnes) {
  Network n;
  for (int i = 0; i < 2000; ++i) n.exchange(address("10.20.0." + std::to_string(1 + i % 60)), n.outside());
  const auto guess = guess_nodes(n.survey());
  EXPECT_EQ(names(guess), Names{"10.20.0.0/26"});
  EXPECT_EQ(guess.addresses, 60u);
  EXPECT_EQ(guess.both_ways, 60u);
  EXPECT_DOUBLE_EQ(guess.covered, 1.0);
  EXPECT_TRUE(guess.by_private);
}

TEST(NodeGuess, PublicNetworkIsFoundBesideAPopularServer) {
  Network n;
  const IpAddr popular = address("142.250.1.1");
  for (int i = 0; i < 6000; ++i) {
    const IpAddr own =
        IpAddr::v4(0x93200000u + static_cast<uint32_t>(n.random().below(4096)));  // 147.32.0.0/20
    n.exchange(own, i % 3 == 0 ? popular : n.outside());
  }
  const auto guess = guess_nodes(n.survey());
  EXPECT_EQ(names(guess), Names{"147.32.0.0/20"});
  EXPECT_FALSE(guess.by_private);
}

TEST(NodeGuess, SeveralPrefixesOfBothFamilies) {
  Network n;
  for (int i = 0; i < 3000; ++i) {
    n.exchange(IpAddr::v4(0x93200000u + static_cast<uint32_t>(n.random().below(250))), n.outside());
    n.exchange(IpAddr::v4(0xC2000100u + static_cast<uint32_t>(n.random().below(250))), n.outside());
    auto own = address("2001:db8:64::1");
    own.bytes[15] = static_cast<uint8_t>(1 + n.random().below(100));
    auto far = address("2a00:1450::1");
    far.bytes[2] = static_cast<uint8_t>(n.random().below(200));
    far.bytes[3] = static_cast<uint8_t>(n.random().below(200));
    n.exchange(own, far);
  }
  EXPECT_EQ(names(guess_nodes(n.survey())), (Names{"147.32.0.0/24", "194.0.1.0/24", "2001:db8:64::/121"}));
}

TEST(NodeGuess, AScannerFromOutsideIsNotOwn) {
  Network n;
  for (int i = 0; i < 4000; ++i)
    n.exchange(IpAddr::v4(0x93200000u + static_cast<uint32_t>(n.random().below(2048))), n.outside());
  for (uint32_t i = 0; i < 2048; ++i) n.flow(address("198.108.66.7"), IpAddr::v4(0x93200000u + i));
  EXPECT_EQ(names(guess_nodes(n.survey())), Names{"147.32.0.0/21"});
}

TEST(NodeGuess, AScanLargerThanAllElse) {
  Network n;
  for (int i = 0; i < 20'000; ++i)
    n.exchange(IpAddr::v4(0x0a000000u + static_cast<uint32_t>(n.random().below(1u << 18))), n.outside());
  for (uint32_t i = 0; i < (1u << 18); ++i) n.flow(address("198.108.66.7"), IpAddr::v4(0x0a000000u + i));
  EXPECT_EQ(names(guess_nodes(n.survey())), Names{"10.0.0.0/14"});
}

TEST(NodeGuess, OneWayOnly) {
  Network n;
  for (int i = 0; i < 6000; ++i)
    n.flow(n.outside(), IpAddr::v4(0x93200000u + static_cast<uint32_t>(n.random().below(1024))));
  EXPECT_EQ(names(guess_nodes(n.survey())), Names{"147.32.0.0/22"});
}

TEST(NodeGuess, ForgedPrivateSourcesAreNotOwn) {
  Network n;
  for (int i = 0; i < 3000; ++i) n.exchange(address("10.20.0." + std::to_string(1 + i % 60)), n.outside());
  for (uint32_t i = 0; i < 500; ++i) n.flow(IpAddr::v4(0xac100000u + 2048 * i), address("10.20.0.7"));
  EXPECT_EQ(names(guess_nodes(n.survey())), Names{"10.20.0.0/26"});
}

TEST(NodeGuess, ServersThatOnlyOwnClientsUseAreOwn) {
  Network n;
  for (int i = 0; i < 2000; ++i) {
    n.exchange(address("10.20.0." + std::to_string(1 + i % 60)), n.outside());
    n.exchange(address("10.20.0." + std::to_string(1 + i % 60)),
               address("192.168.9." + std::to_string(10 + i % 5)));
  }
  EXPECT_EQ(names(guess_nodes(n.survey())), (Names{"10.20.0.0/26", "192.168.9.8/29"}));
}

TEST(NodeGuess, OneHostThatTalksToTheWorld) {
  Network n;
  for (int i = 0; i < 500; ++i) n.exchange(address("203.0.113.7"), n.outside());
  EXPECT_EQ(names(guess_nodes(n.survey())), Names{"203.0.113.7/32"});
}

TEST(NodeGuess, OneFlowAndNone) {
  Network none;
  EXPECT_TRUE(guess_nodes(none.survey()).prefixes.empty());
  Network one;
  one.flow(address("192.0.2.1"), address("10.0.0.9"));
  EXPECT_EQ(names(guess_nodes(one.survey())), Names{"10.0.0.9/32"});
}

TEST(NodeGuess, BroadcastAndMulticastAreNobodys) {
  Network n;
  for (int i = 1; i < 100; ++i) {
    const auto host = address("192.168.7." + std::to_string(i));
    n.flow(host, address("255.255.255.255"));
    n.flow(host, address("239.255.255.250"));
    n.exchange(host, n.outside());
  }
  EXPECT_EQ(names(guess_nodes(n.survey())), Names{"192.168.7.0/25"});
}

TEST(NodeGuess, ASampleOfPairsIsEnough) {
  Network n;
  for (int i = 0; i < 20'000; ++i)
    n.exchange(IpAddr::v4(0x93200000u + static_cast<uint32_t>(n.random().below(4096))), n.outside());
  SurveyLimits few;
  few.pairs = 1000;
  EXPECT_EQ(names(guess_nodes(n.survey(few))), Names{"147.32.0.0/20"});
}

TEST(NodeGuess, WhatTheUserNamedIsDescribed) {
  Network n;
  n.exchange(address("192.0.2.1"), address("198.51.100.1"));
  n.flow(address("203.0.113.1"), address("203.0.114.1"));
  const auto own = describe_nodes(n.survey(), {*base::Prefix::parse("192.0.2.0/24")});
  EXPECT_EQ(own.addresses, 1u);
  EXPECT_DOUBLE_EQ(own.covered, 2.0 / 3);
}

}  // namespace
}  // namespace netflowgen::report
