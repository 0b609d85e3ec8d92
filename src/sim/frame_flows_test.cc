// Records add up to the frames that they were made of: read back by the series builder.
#include "sim/frame_flows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/nan.h"
#include "base/random.h"
#include "infer/testing.h"
#include "series/builder.h"
#include "sim/generate.h"

namespace netflowgen::sim {
namespace {

using namespace series;
using Frames = std::map<std::pair<std::string, int64_t>, std::vector<float>>;

constexpr int64_t kStepMs = 60'000;
constexpr int64_t kFirst = 28'000'000;
const std::vector<std::string> kNodes = {"10.0.0.1", "192.0.2.7", "2001:db8::5"};

class Collected : public FrameSink {
 public:
  void frame(const NodeKey& node, int64_t step, std::span<const float> values) override {
    frames[{name_of(node), step}] = {values.begin(), values.end()};
  }
  Frames frames;
};

// Of random features that hold together.
Frames random_frames(int64_t steps, uint64_t seed) {
  base::Random random(seed);
  Frames frames;
  for (const auto& node : kNodes) {
    for (int64_t s = 0; s < steps; ++s) {
      auto f = infer::testing::random_frame(random);
      for (auto& x : f) {
        if (std::isnan(x)) x = 0;
      }
      for (const int flows : {kFlowsIn, kFlowsOut})
        f[static_cast<size_t>(flows)] = std::min(f[static_cast<size_t>(flows)], 30'000.0f);
      if (make_consistent(f)) frames[{node, kFirst + s}] = f;
    }
  }
  return frames;
}

std::vector<flow::Flow> records_of(const Frames& frames, uint64_t seed = 1) {
  FrameFlows maker(kNodes, kStepMs, seed);
  std::vector<flow::Flow> flows;
  for (const auto& [key, frame] : frames)
    maker.make(*base::IpAddr::parse(key.first), key.second, frame, flows);
  std::stable_sort(flows.begin(), flows.end(),
                   [](const auto& a, const auto& b) { return a.start_ms < b.start_ms; });
  return flows;
}

Frames read_back(std::span<const flow::Flow> flows) {
  SeriesOptions options;
  options.step_ms = kStepMs;
  options.nodes.all_hosts = false;
  for (const auto& name : kNodes) options.nodes.hosts.push_back(*base::Prefix::parse(name));
  Collected sink;
  SeriesBuilder builder(options, sink);
  builder.add(flows);
  builder.finish();
  return sink.frames;
}

TEST(FrameFlows, SumsAreTheFramesToTheUnit) {
  const auto frames = random_frames(40, 11);
  ASSERT_GT(frames.size(), 100u);
  const auto read = read_back(records_of(frames));
  ASSERT_EQ(read.size(), frames.size());
  for (const auto& [key, frame] : frames) {
    ASSERT_TRUE(read.contains(key)) << key.first << " " << key.second;
    const auto& r = read.at(key);
    for (const int offset : {0, kOutOffset}) {
      for (const int f :
           {kBytesIn, kPacketsIn, kFlowsIn, kTcpShareIn, kUdpShareIn, kIcmpShareIn, kOtherShareIn}) {
        const auto i = static_cast<size_t>(f + offset);
        EXPECT_FLOAT_EQ(r[i], frame[i]) << kFeatures[i].name << " of " << key.first;
      }
    }
  }
}

// Each is met as whole records allow: within one record of the share.
TEST(FrameFlows, PeersFlagsAndDurationsAreMet) {
  std::vector<float> f(kFeatureCount, base::kNaN);
  const std::map<int, float> values = {{kFlowsIn, 200},     {kPacketsIn, 4'000},  {kBytesIn, 900'000},
                                       {kPeersIn, 7},       {kPortsIn, 3},        {kTopPeerShareIn, 0.5f},
                                       {kTcpShareIn, 0.8f}, {kUdpShareIn, 0.2f},  {kIcmpShareIn, 0},
                                       {kOtherShareIn, 0},  {kSynShareIn, 0.25f}, {kRstShareIn, 0.1f},
                                       {kDurationIn, 2.5f}, {kTopPortIn, 443},    {kReflectorShareIn, 0.1f}};
  for (const auto& [feature, value] : values) f[static_cast<size_t>(feature)] = value;
  ASSERT_TRUE(make_consistent(f));
  const auto read = read_back(records_of({{{kNodes[0], kFirst}, f}}));
  ASSERT_EQ(read.size(), 1u);
  const auto& r = read.begin()->second;
  EXPECT_EQ(r[kPeersIn], 7);
  EXPECT_EQ(r[kPortsIn], 3);
  EXPECT_EQ(r[kTopPortIn], 443);
  EXPECT_NEAR(r[kTopPeerShareIn], 0.5, 0.01);
  EXPECT_NEAR(r[kSynShareIn], 0.25, 0.01);
  EXPECT_NEAR(r[kRstShareIn], 0.1, 0.01);
  EXPECT_NEAR(r[kDurationIn], 2.5, 0.1);
  EXPECT_NEAR(r[kReflectorShareIn], 0.1, 0.02);
}

TEST(FrameFlows, WhatTheFrameDoesNotKnowTheRecordsDoNot) {
  std::vector<float> f(kFeatureCount, base::kNaN);
  f[kFlowsIn] = 3;
  f[kBytesIn] = 300;
  ASSERT_TRUE(make_consistent(f));
  const auto flows = records_of({{{kNodes[1], kFirst}, f}});
  ASSERT_EQ(flows.size(), 3u);
  for (const auto& flow : flows) EXPECT_EQ(flow.known, flow::kKnownAddresses | flow::kKnownBytes);
}

TEST(FrameFlows, ManyFlowsAreSummed) {
  std::vector<float> f(kFeatureCount, base::kNaN);
  f[kFlowsOut] = 1'000'000;
  f[kPacketsOut] = 3'000'000;
  ASSERT_TRUE(make_consistent(f));
  const auto flows = records_of({{{kNodes[0], kFirst}, f}});
  EXPECT_EQ(flows.size(), FrameFlows::kMostRecords);
  uint64_t count = 0;
  for (const auto& flow : flows) {
    count += flow.flows;
    EXPECT_GE(flow.packets, flow.flows);  // a reader takes no more flows than packets
  }
  EXPECT_EQ(count, 1'000'000u);
}

TEST(FrameFlows, PeersAreOutsideAndTheSameSeedGivesTheSame) {
  const auto frames = random_frames(10, 12);
  const auto flows = records_of(frames);
  ASSERT_FALSE(flows.empty());
  for (const auto& flow : flows) {
    const bool in = std::ranges::count(kNodes, flow.dst.to_string()) > 0;
    const auto& peer = in ? flow.src : flow.dst;
    for (const auto& name : kNodes) {
      const auto node = *base::IpAddr::parse(name);
      EXPECT_FALSE(base::mask(peer, 112) == base::mask(node, 112) && node.is_v4()) << peer.to_string();
    }
  }
  const auto again = records_of(frames);
  ASSERT_EQ(again.size(), flows.size());
  for (size_t i = 0; i < flows.size(); ++i) {
    EXPECT_TRUE(flows[i].src == again[i].src && flows[i].bytes == again[i].bytes &&
                flows[i].start_ms == again[i].start_ms);
  }
  EXPECT_NE(records_of(frames, 2).front().src, flows.front().src);
}

flow::Flow real_flow(uint8_t protocol, uint16_t port, uint64_t packets, uint64_t size) {
  flow::Flow f;
  f.known = flow::kKnownAddresses | flow::kKnownProtocol | flow::kKnownPackets | flow::kKnownBytes |
            flow::kKnownPorts | flow::kKnownTcpFlags | flow::kKnownDuration;
  f.src = base::IpAddr::v4(0x08080808);
  f.dst = *base::IpAddr::parse(kNodes[0]);
  f.protocol = protocol;
  f.dst_port = port;
  f.src_port = 50'000;
  f.tcp_flags = protocol == flow::kTcp ? flow::kAck : 0;
  f.packets = packets;
  f.bytes = packets * size;
  f.end_ms = static_cast<int64_t>(packets) * 10;
  return f;
}

// Half of the real records have one packet: so have those made after them, and the sums are the frame's all the same.
TEST(FrameFlows, RecordsAreMadeAfterRealOnes) {
  RecordPool pool(kNodes, 1);
  for (int i = 0; i < 100; ++i) {
    pool.add(real_flow(flow::kTcp, 22, 1, 60));
    pool.add(real_flow(flow::kTcp, 8080, 40, 1'000));
  }
  EXPECT_EQ(pool.added(), 200u);
  std::vector<float> f(kFeatureCount, base::kNaN);
  const std::map<int, float> values = {
      {kFlowsIn, 400},     {kPacketsIn, 9'000}, {kBytesIn, 7'000'000}, {kPeersIn, 20},     {kPortsIn, 2},
      {kTcpShareIn, 0.9f}, {kUdpShareIn, 0.1f}, {kIcmpShareIn, 0},     {kOtherShareIn, 0}, {kSynShareIn, 0}};
  for (const auto& [feature, value] : values) f[static_cast<size_t>(feature)] = value;
  ASSERT_TRUE(make_consistent(f));
  std::vector<flow::Flow> flows;
  FrameFlows maker(kNodes, kStepMs, 1, &pool);
  maker.set_like(*base::IpAddr::parse(kNodes[1]), *base::IpAddr::parse(kNodes[0]));
  maker.make(*base::IpAddr::parse(kNodes[1]), kFirst, f, flows);
  ASSERT_EQ(flows.size(), 400u);
  uint64_t packets = 0;
  uint64_t single = 0;
  uint64_t tcp = 0;
  for (const auto& flow : flows) {
    packets += flow.packets;
    if (flow.protocol != flow::kTcp) continue;  // nothing real is known of UDP here
    ++tcp;
    EXPECT_TRUE(flow.dst_port == 22 || flow.dst_port == 8080);
    EXPECT_EQ(flow.dst_port == 22, flow.packets == 1);
    single += flow.packets == 1 ? 1 : 0;
  }
  EXPECT_EQ(packets, 9'000u);
  EXPECT_NEAR(static_cast<double>(single) / static_cast<double>(tcp), 0.5, 0.1);
}

// A frame whose packets are mostly of flows that began before: its two new flows look as real ones do.
TEST(FrameFlows, TheRestOfEarlierFlowsHasARecordOfItsOwn) {
  RecordPool pool(kNodes, 1);
  for (int i = 0; i < 20; ++i) pool.add(real_flow(flow::kTcp, 22, 3, 60));
  std::vector<float> f(kFeatureCount, base::kNaN);
  const std::map<int, float> values = {{kFlowsIn, 2},      {kPacketsIn, 5'000}, {kBytesIn, 4'000'000},
                                       {kTcpShareIn, 1},   {kUdpShareIn, 0},    {kIcmpShareIn, 0},
                                       {kOtherShareIn, 0}, {kDurationIn, 900}};
  for (const auto& [feature, value] : values) f[static_cast<size_t>(feature)] = value;
  ASSERT_TRUE(make_consistent(f));
  std::vector<flow::Flow> flows;
  FrameFlows(kNodes, kStepMs, 1, &pool).make(*base::IpAddr::parse(kNodes[0]), kFirst, f, flows);
  ASSERT_EQ(flows.size(), 3u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(flows[i].packets, 3u);
    EXPECT_EQ(flows[i].bytes, 180u);
    EXPECT_EQ(flows[i].end_ms - flows[i].start_ms, 30);
  }
  EXPECT_EQ(flows[2].flows, 0u);
  EXPECT_EQ(flows[2].packets, 4'994u);
  EXPECT_EQ(flows[2].bytes, 4'000'000u - 360u);
}

TEST(RecordPool, TakesWhatANodeLacksFromTheOthers) {
  RecordPool pool(kNodes, 1);
  for (size_t i = 0; i < RecordPool::kLeast - 1; ++i) pool.add(real_flow(flow::kUdp, 53, 1, 80));
  flow::Flow unknown = real_flow(flow::kUdp, 53, 1, 80);
  unknown.known &= ~uint32_t{flow::kKnownPackets};
  pool.add(unknown);
  EXPECT_EQ(pool.added(), RecordPool::kLeast - 1);
  const auto first = *base::IpAddr::parse(kNodes[0]);
  const auto second = *base::IpAddr::parse(kNodes[1]);
  EXPECT_EQ(pool.of(second, false, flow::kUdp).size(), RecordPool::kLeast - 1);
  EXPECT_TRUE(pool.of(first, true, flow::kUdp).empty());
  EXPECT_TRUE(pool.of(first, false, flow::kTcp).empty());
  for (size_t i = 0; i < 3 * RecordPool::kAll; ++i) pool.add(real_flow(flow::kUdp, 123, 1, 80));
  EXPECT_EQ(pool.of(first, false, flow::kUdp).size(), RecordPool::kOwn);
  EXPECT_EQ(pool.of(second, false, flow::kUdp).size(), RecordPool::kAll);
}

TEST(FrameFlows, NodesThatAreNoAddressesAreRefused) {
  const std::vector<std::string> nodes = {"10.0.0.1", "AS64500"};
  EXPECT_THROW(FrameFlows(nodes, kStepMs, 1), base::Error);
}

}  // namespace
}  // namespace netflowgen::sim
