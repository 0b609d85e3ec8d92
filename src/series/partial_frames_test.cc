#include "series/partial_frames.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "series/builder.h"
#include "series/partial/state_codec.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

using Record = std::pair<PartialHeader, std::vector<uint8_t>>;

SeriesOptions options() {
  SeriesOptions o;
  o.step_ms = 10'000;
  o.lateness_ms = 60'000;
  return o;
}

struct Frames : FrameSink {
  std::map<std::pair<int64_t, std::string>, std::vector<float>> frames;
  void frame(const NodeKey& node, int64_t step, std::span<const float> values) override {
    frames[{step, name_of(node)}] = {values.begin(), values.end()};
  }
};

struct Published {
  std::vector<Record> records;
  Frames whole;

  Published(std::span<const flow::Flow> flows, uint32_t partitions, size_t bytes = size_t{256} << 10) {
    PartialEncoder encoder({"c1", 7, 0, 10'000, partitions, 0, 0, false}, bytes);
    SeriesBuilder builder(options(), whole);
    builder.set_step_tap([&](int64_t step, const OpenStep& nodes) {
      encoder.encode(step, nodes, [&](const PartialHeader& h, base::Bytes record, uint32_t) {
        records.emplace_back(h, std::vector<uint8_t>(record.begin(), record.end()));
      });
    });
    builder.add(flows);
    builder.finish();
  }
};

std::vector<flow::Flow> some_flows(int count) {
  base::Random random(11);
  std::vector<FlowMaker> makers;
  for (int i = 0; i < 8; ++i) makers.emplace_back(random);
  std::vector<flow::Flow> flows;
  for (int i = 0; i < count; ++i) flows.push_back(makers[random.below(makers.size())].make(random));
  return flows;
}

TEST(PartialFrames, FramesOfDecodedStatesAreTheSame) {
  const Published p(some_flows(5000), 5, 4096);
  PartialDecoder decoder;
  std::map<std::pair<int64_t, std::string>, std::vector<float>> seen;
  std::map<int64_t, std::set<uint32_t>> last;
  size_t sketches = 0;
  for (const auto& [header, record] : p.records) {
    ASSERT_EQ(decoder.decode(record), PartialFault::kNone);
    const auto& h = decoder.header();
    EXPECT_EQ(h.collector, "c1");
    EXPECT_EQ(h.run, 7u);
    EXPECT_EQ(h.step, header.step);
    EXPECT_EQ(h.partition, header.partition);
    EXPECT_EQ(h.partitions, 5u);
    EXPECT_EQ(h.chunk, header.chunk);
    EXPECT_TRUE(!h.last || last[h.step].insert(h.partition).second);
    for (const auto& slot : decoder.nodes()) {
      EXPECT_EQ(partition_of(slot.node, 5), h.partition);
      std::vector<float> frame(kFeatureCount);
      finish(decoder.view(slot, kIn), decoder.view(slot, kOut), frame);
      for (const Direction d : {kIn, kOut})
        if (const auto* const s = decoder.view(slot, d).state) sketches += s->peers_size == kSketched ? 1 : 0;
      EXPECT_TRUE(seen.emplace(std::pair(h.step, name_of(slot.node)), frame).second);
    }
  }
  for (const auto& [step, partitions] : last) EXPECT_EQ(partitions.size(), 5u) << step;
  EXPECT_GT(p.records.size(), 2 * last.size() * 5) << "no step has several records";
  EXPECT_GT(sketches, 10u);
  ASSERT_EQ(seen.size(), p.whole.frames.size());
  for (const auto& [key, frame] : p.whole.frames) {
    const auto it = seen.find(key);
    ASSERT_NE(it, seen.end());
    EXPECT_EQ(std::memcmp(frame.data(), it->second.data(), frame.size() * sizeof(float)), 0) << key.second;
  }
}

TEST(PartialFrames, APartitionKeepsAPrefixTogether) {
  std::set<uint32_t> used;
  for (uint32_t net = 0; net < 300; ++net) {
    const NodeKey prefix{base::IpAddr::v4(0x0a000000 + net * 256), 120, NodeKind::kPrefix};
    const uint32_t p = partition_of(prefix, 12);
    EXPECT_LT(p, 12u);
    used.insert(p);
    for (const uint32_t host : {0u, 1u, 255u})
      EXPECT_EQ(partition_of({base::IpAddr::v4(0x0a000000 + net * 256 + host), 0, NodeKind::kHost}, 12), p);
  }
  EXPECT_EQ(used.size(), 12u);
  const auto exporter = base::IpAddr::v4(0xc0000201);
  EXPECT_EQ(partition_of({exporter, 1, NodeKind::kInterface}, 12),
            partition_of({exporter, 2, NodeKind::kInterface}, 12));
}

// A partition is written down by collectors of all versions: it must not change.
TEST(PartialFrames, PartitionsAreForEver) {
  const auto of = [](const char* address) {
    return partition_of({*base::IpAddr::parse(address), 0, NodeKind::kHost}, 64);
  };
  EXPECT_EQ(of("10.0.0.1"), 0u);
  EXPECT_EQ(of("192.0.2.77"), 9u);
  EXPECT_EQ(of("2001:db8::1"), 8u);
}

TEST(PartialFrames, NoDamageIsTakenForFramesOrReadPast) {
  const Published p(some_flows(400), 1);
  PartialDecoder decoder;
  base::Random random(5);
  size_t damaged = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = p.records[random.below(p.records.size())].second;
    const size_t cut = random.below(3) == 0 ? random.below(bytes.size()) : bytes.size();
    std::vector<uint8_t> copy(
        bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));  // the sanitizer sees its end
    for (size_t k = random.below(4); k > 0 && !copy.empty(); --k)
      copy[random.below(copy.size())] = static_cast<uint8_t>(random.below(256));
    if (decoder.decode(copy) != PartialFault::kNone) {
      ++damaged;
      continue;
    }
    for (const auto& slot : decoder.nodes()) {
      std::vector<float> frame(kFeatureCount);
      finish(decoder.view(slot, kIn), decoder.view(slot, kOut), frame);
    }
  }
  EXPECT_GT(damaged, 1000u);
  EXPECT_LT(damaged, 20'000u);
}

TEST(PartialFrames, WhatIsNoneIsTold) {
  PartialDecoder decoder;
  const Published p(some_flows(50), 1);
  auto bytes = p.records.front().second;
  EXPECT_EQ(decoder.decode({}), PartialFault::kNotFrames);
  const std::string json = R"({"type":"NETFLOW_V9"})";
  EXPECT_EQ(decoder.decode({reinterpret_cast<const uint8_t*>(json.data()), json.size()}),
            PartialFault::kNotFrames);
  EXPECT_EQ(decoder.decode(std::span(bytes).first(40)), PartialFault::kDamaged);
  auto newer = bytes;
  ASSERT_EQ(newer[5], 2u << 3);  // the tag of the version
  newer[6] = 9;
  EXPECT_EQ(decoder.decode(newer), PartialFault::kNewer);
  auto more = bytes;  // a field that a later program of this version may add
  more.insert(more.end(), {0xfa, 0x01, 3, 'n', 'e', 'w'});
  EXPECT_EQ(decoder.decode(more), PartialFault::kNone);
  EXPECT_FALSE(decoder.nodes().empty());
}

}  // namespace
}  // namespace netflowgen::series
