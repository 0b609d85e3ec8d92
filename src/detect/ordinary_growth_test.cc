// Flash crowds, backups and downloads are ordinary; floods that exceed the usual as much are not.
#include "detect/ordinary_growth.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/nan.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

using namespace series;
using Frame = std::vector<float>;

// Traffic of one direction of TCP.
struct Way {
  float flows = 0;
  float packets = 0;
  float bytes = 0;
  float tcp = 1;
  float syn = 0;
  float rst = 0;
  float top_peer = 0;  // share of flows
};

Frame frame_of(const Way& in, const Way& out) {
  Frame f(kFeatureCount, 0.0f);
  for (const auto& [way, offset] : {std::pair(in, 0), std::pair(out, int{kOutOffset})}) {
    const auto at = [&f, o = offset](int feature) -> float& { return f[static_cast<size_t>(feature + o)]; };
    at(kFlowsIn) = way.flows;
    at(kPacketsIn) = way.packets;
    at(kBytesIn) = way.bytes;
    at(kTcpShareIn) = way.tcp;
    at(kSynShareIn) = way.syn;
    at(kRstShareIn) = way.rst;
    at(kTopPeerShareIn) = way.top_peer;
  }
  return f;
}

const Frame kUsual = frame_of({100, 1'000, 200'000, .8f, .1f, .02f}, {100, 1'200, 900'000, .8f, 0, .02f});
const Way kCrowdIn{5'000, 200'000, 90'000'000};
const Way kCrowdOut{5'000, 300'000, 280'000'000};

FlowEvidence evidence(double long_share, double expected_again) {
  FlowEvidence e;
  e.tcp.flows = 100;
  e.tcp.long_share = long_share;
  e.tcp.expected_again = expected_again;
  return e;
}

bool ordinary(const Way& in, const Way& out, const FlowEvidence* flows = nullptr) {
  return ordinary_growth(frame_of(in, out), kUsual, flows);
}

TEST(OrdinaryGrowth, CrowdsBackupsAndDownloads) {
  EXPECT_TRUE(ordinary(kCrowdIn, kCrowdOut));
  EXPECT_TRUE(
      ordinary({10, 2'000'000, 2'800'000'000}, {10, 1'000'000, 52'000'000}));  // a backup, at its target
  EXPECT_TRUE(ordinary({10, 1'000'000, 52'000'000}, {10, 2'000'000, 2'800'000'000}));  // at its source
  const FlowEvidence known = evidence(.9, 60);
  EXPECT_TRUE(ordinary(kCrowdIn, kCrowdOut, &known));
  // Nothing was known of the node.
  EXPECT_TRUE(ordinary_growth(frame_of(kCrowdIn, kCrowdOut), Frame(kFeatureCount, base::kNaN), nullptr));
}

TEST(OrdinaryGrowth, FloodsAreNot) {
  EXPECT_FALSE(ordinary({5'000, 500'000, 32'000'000, .1f}, {100, 1'200, 900'000}));  // UDP
  EXPECT_FALSE(ordinary(kCrowdIn, {100, 1'200, 900'000}));                           // no answers
  EXPECT_FALSE(
      ordinary({200'000, 200'000, 8'000'000, 1, .95f}, {200'000, 200'000, 8'800'000}));  // SYN, answered
  EXPECT_FALSE(ordinary({5'000, 200'000, 9'000'000}, {5'000, 200'000, 8'000'000, 1, 0, .9f}));  // ACK, reset
  EXPECT_FALSE(ordinary({100'000, 200'000, 90'000'000}, {100'000, 200'000, 90'000'000}));       // short flows
  EXPECT_FALSE(ordinary({5'000, 200'000, 9'000'000}, {5'000, 200'000, 9'000'000}));  // empty packets
  // A crowd hides no flood that is a third of the packets.
  EXPECT_FALSE(ordinary({6'000, 300'000, 96'000'000, .66f}, kCrowdOut));
}

bool few_peers(const Way& in, const Way& out) { return few_peers_copy(frame_of(in, out), kUsual); }

TEST(OrdinaryGrowth, ACopyIsOfFewPeers) {
  // Usual traffic of 100 flows each way, and 750 connections of a backup; or a copy in three connections.
  EXPECT_TRUE(
      few_peers({850, 1'500'000, 2'100'000'000, 1, 0, 0, .88f}, {850, 750'000, 40'000'000, 1, 0, 0, .88f}));
  EXPECT_TRUE(
      few_peers({103, 1'500'000, 2'100'000'000, 1, 0, 0, .06f}, {103, 750'000, 40'000'000, 1, 0, 0, .06f}));
  EXPECT_FALSE(few_peers(kCrowdIn, kCrowdOut)) << "peers are not known";
  EXPECT_FALSE(
      few_peers({5'000, 200'000, 90'000'000, 1, 0, 0, .02f}, {5'000, 300'000, 280'000'000, 1, 0, 0, .02f}))
      << "a crowd";
  EXPECT_FALSE(
      few_peers({5'100, 100'000, 20'000'000, 1, 0, 0, .98f}, {5'100, 100'000, 20'000'000, 1, 0, 0, .98f}))
      << "passwords that are tried";
  EXPECT_TRUE(
      few_peers({850, 1'500'000, 2'100'000'000, 1, 0, 0, .3f}, {850, 750'000, 40'000'000, 1, 0, 0, .3f}))
      << "a server of three backups";
  EXPECT_TRUE(few_peers({0, 9'000, 13'000'000, 1, 0, 0, .9f}, {0, 4'500, 240'000, 1, 0, 0, .9f}))
      << "its flows began before the step";
  EXPECT_FALSE(
      few_peers({850, 1'500'000, 2'100'000'000, 1, 0, 0, .1f}, {850, 750'000, 40'000'000, 1, 0, 0, .1f}))
      << "ten peers' at least";
}

TEST(OrdinaryGrowth, WhatSamplingHidesIsNotOrdinary) {
  const FlowEvidence brief = evidence(.2, 60);
  EXPECT_FALSE(ordinary(kCrowdIn, kCrowdOut, &brief));
  const FlowEvidence unknown = evidence(1, 1);
  EXPECT_FALSE(ordinary(kCrowdIn, kCrowdOut, &unknown));
  const Frame nothing(kFeatureCount, base::kNaN);
  EXPECT_FALSE(ordinary_growth(nothing, kUsual, nullptr));
  EXPECT_FALSE(ordinary_growth(kUsual, kUsual, nullptr));
}

}  // namespace
}  // namespace netflowgen::detect
