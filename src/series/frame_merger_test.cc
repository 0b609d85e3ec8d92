#include "series/frame_merger.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

constexpr int64_t kStep_ms = 10'000;

struct Frames : FrameSink {
  std::map<std::pair<int64_t, std::string>, std::vector<float>> frames;
  std::vector<int64_t> closed;
  void frame(const NodeKey& node, int64_t step, std::span<const float> values) override {
    EXPECT_TRUE(frames.try_emplace({step, name_of(node)}, values.begin(), values.end()).second) << "twice";
  }
  void step_closed(int64_t step) override {
    EXPECT_TRUE(closed.empty() || step > closed.back());
    closed.push_back(step);
  }
};

void expect_same(const Frames& seen, const Frames& wanted) {
  ASSERT_EQ(seen.frames.size(), wanted.frames.size());
  for (const auto& [key, frame] : wanted.frames) {
    const auto it = seen.frames.find(key);
    ASSERT_NE(it, seen.frames.end()) << key.first << " " << key.second;
    EXPECT_EQ(std::memcmp(frame.data(), it->second.data(), frame.size() * sizeof(float)), 0) << key.second;
  }
}

// One record of a collector: a node with some bytes.
std::vector<uint8_t> record(const std::string& collector, int64_t step, uint32_t host, uint64_t bytes,
                            PartialHeader common = {}) {
  ChunkPool pool;
  OpenStep nodes(pool, {});
  if (bytes > 0) {
    const NodeKey node{base::IpAddr::v4(0x0a000000 + host), 0, NodeKind::kHost};
    auto& state = nodes.state(node, HashSeed{}.hash(node), kIn);
    state.bytes = bytes;
    state.active = state.starts = 1;
    state.groups = kGroupBytes;
  }
  common.collector = collector;
  if (common.step_ms == 60'000) common.step_ms = kStep_ms;
  PartialEncoder encoder(common);
  std::vector<uint8_t> made;
  encoder.encode(step, nodes,
                 [&](const PartialHeader&, base::Bytes r, uint32_t) { made.assign(r.begin(), r.end()); });
  return made;
}

MergeOptions options(uint32_t collectors) {
  MergeOptions o;
  o.step_ms = kStep_ms;
  o.collectors = collectors;
  o.patience_ms = 30'000;
  return o;
}

float bytes_in(const Frames& f, int64_t step, const char* node) {
  const auto it = f.frames.find({step, node});
  return it == f.frames.end() ? -1 : it->second[kBytesIn];
}

TEST(FrameMerger, MergedFramesAreThoseOfOneBuilder) {
  base::Random random(3);
  const FlowMaker maker(random);
  std::vector<flow::Flow> flows;
  for (int i = 0; i < 6000; ++i) flows.push_back(maker.make(random));
  SeriesOptions series;
  series.step_ms = kStep_ms;
  series.lateness_ms = 3'600'000;  // nothing is late, whichever half it is in
  Frames wanted;
  SeriesBuilder all(series, wanted);
  all.add(flows);
  all.finish();
  std::vector<std::vector<uint8_t>> records[3];
  for (size_t c = 0; c < 3; ++c) {
    Frames ignored;
    SeriesBuilder part(series, ignored);
    PartialEncoder encoder({"c" + std::to_string(c), 1, 0, kStep_ms, 1, 0, 0, false}, 2048);
    part.set_step_tap([&](int64_t step, const OpenStep& nodes) {
      encoder.encode(step, nodes, [&](const PartialHeader&, base::Bytes r, uint32_t) {
        records[c].emplace_back(r.begin(), r.end());
      });
    });
    std::vector<flow::Flow> mine;
    for (const auto& f : flows) {
      if (f.src_port % 3 == c) mine.push_back(f);
    }
    part.add(mine);
    part.finish();
  }
  Frames seen;
  auto merger = std::make_unique<FrameMerger>(options(3), seen);
  // One collector's records after the other's, saved and restored now and then, and some of them twice.
  size_t at = 0;
  for (size_t c = 0; c < 3; ++c) {
    for (const auto& r : records[c]) {
      merger->add(r, 1000);
      if (++at % 17 == 0) merger->add(r, 1000);
      if (at % 50 != 0) continue;
      EXPECT_TRUE(merger->partial_ledger().balanced());
      const auto saved = merger->save();
      merger = std::make_unique<FrameMerger>(options(3), seen);
      merger->restore(saved, "test");
      EXPECT_EQ(merger->save(), saved);
    }
  }
  EXPECT_TRUE(merger->partial_ledger().balanced());
  EXPECT_EQ(merger->partial_ledger().dropped(), 0u);
  const int64_t last = wanted.frames.rbegin()->first.first;
  for (const char* c : {"c0", "c1", "c2"}) merger->add(record(c, last + 1, 0, 0), 1000);
  EXPECT_EQ(merger->open_steps(), 0u);
  expect_same(seen, wanted);
}

TEST(FrameMerger, AStepWaitsForAllThatAreHeard) {
  Frames f;
  FrameMerger m(options(2), f);
  m.add(record("a", 100, 1, 10), 0);
  m.add(record("a", 101, 1, 10), 10'000);
  EXPECT_TRUE(f.frames.empty());
  m.add(record("b", 100, 1, 5), 10'000);
  EXPECT_EQ(bytes_in(f, 100, "10.0.0.1"), 15);
  EXPECT_EQ(bytes_in(f, 101, "10.0.0.1"), -1);
  // b falls silent: a is not held up for longer than `patience`.
  for (int64_t i = 2; i < 4; ++i) m.add(record("a", 100 + i, 1, 10), i * 10'000);
  EXPECT_EQ(bytes_in(f, 101, "10.0.0.1"), -1);
  m.add(record("a", 104, 1, 10), 40'000);
  m.add(record("a", 105, 1, 10), 50'000);
  EXPECT_EQ(bytes_in(f, 104, "10.0.0.1"), 10);
  // What it sends of closed steps is late and counted; then it is waited for again.
  m.add(record("b", 101, 1, 5), 50'000);
  EXPECT_EQ(m.partial_ledger().drops, (decltype(base::LedgerView::drops){{"late", 1}}));
  for (int64_t i = 102; i < 106; ++i) m.add(record("b", i, 1, 0), 51'000);
  m.add(record("a", 106, 1, 10), 60'000);
  EXPECT_EQ(bytes_in(f, 106, "10.0.0.1"), -1);
  m.add(record("b", 106, 1, 5), 61'000);
  EXPECT_EQ(bytes_in(f, 106, "10.0.0.1"), 15);
  EXPECT_TRUE(m.partial_ledger().balanced());
}

// The brokers were away for ten minutes: what both collectors kept comes at once, one collector's first.
TEST(FrameMerger, AnOutageOfTheBrokersIsNoSilence) {
  Frames f;
  FrameMerger m(options(2), f);
  for (const char* c : {"a", "b"}) m.add(record(c, 100, 1, 1), 0);
  for (int64_t i = 1; i <= 60; ++i) m.add(record("a", 100 + i, 1, 1), 600'000 + i);
  EXPECT_EQ(bytes_in(f, 101, "10.0.0.1"), -1);
  for (int64_t i = 1; i <= 60; ++i) m.add(record("b", 100 + i, 1, 1), 600'100 + i);
  EXPECT_EQ(bytes_in(f, 160, "10.0.0.1"), 2);
  EXPECT_EQ(m.partial_ledger().dropped(), 0u);
}

// Stamps are the producers': those of two collectors may be a day apart. Time passes once all the same.
TEST(FrameMerger, StampsOfTwoClocksDoNotAddUp) {
  Frames f;
  FrameMerger m(options(3), f);
  m.add(record("quiet", 100, 1, 1), 0);
  for (int64_t i = 0; i < 3; ++i) {
    m.add(record("a", 100 + i, 1, 1), i * 10'000);
    m.add(record("b", 100 + i, 1, 1), i * 10'000 + 86'400'000);
  }
  EXPECT_EQ(bytes_in(f, 100, "10.0.0.1"), 3);
  EXPECT_EQ(bytes_in(f, 101, "10.0.0.1"), -1) << "20 s have passed, not 86,400";
}

TEST(FrameMerger, AClockADayOffIsLeftOut) {
  constexpr int64_t kDay = 86'400'000 / kStep_ms;
  for (const int64_t off : {-kDay, kDay}) {
    Frames f;
    FrameMerger m(options(2), f);
    for (int64_t i = 0; i < 10; ++i) {
      m.add(record("right", 20'000 + i, 1, 1), i * 10'000);
      m.add(record("wrong", 20'000 + i + off, 2, 1), i * 10'000 + 1);
    }
    EXPECT_GE(bytes_in(f, 20'008, "10.0.0.1"), 1) << off;
    EXPECT_TRUE(m.collectors().at("wrong").astray);
    EXPECT_FALSE(m.collectors().at("right").astray);
    EXPECT_EQ(m.partial_ledger().drops,
              (decltype(base::LedgerView::drops){{off < 0 ? "late" : "ahead", 10}}));
    EXPECT_TRUE(m.partial_ledger().balanced());
  }
}

TEST(FrameMerger, WhereItIsAloneAJumpIsTaken) {
  Frames f;
  FrameMerger m(options(1), f);
  m.add(record("a", 100, 1, 1), 0);
  m.add(record("a", 9000, 1, 1), 10);
  m.add(record("a", 9001, 1, 1), 20);
  EXPECT_EQ(bytes_in(f, 9000, "10.0.0.1"), 1);
  EXPECT_EQ(m.partial_ledger().dropped(), 0u);
}

// Two hours of one collector's queue come before the other's.
TEST(FrameMerger, WhatHasWaitedIsNotAhead) {
  Frames f;
  FrameMerger m(options(2), f);
  for (const char* c : {"a", "b"}) m.add(record(c, 100, 1, 1), 0);
  for (const char* c : {"a", "b"}) {
    for (int64_t i = 1; i <= 720; ++i) m.add(record(c, 100 + i, 1, 1), 7'200'000 + i);
  }
  EXPECT_EQ(m.partial_ledger().dropped(), 0u);
  EXPECT_EQ(bytes_in(f, 820, "10.0.0.1"), 2);
}

TEST(FrameMerger, StepsWithoutNodesAreTold) {
  Frames f;
  FrameMerger m(options(1), f);
  m.add(record("a", 100, 1, 1), 0);
  m.add(record("a", 101, 1, 0), 10'000);
  m.add(record("a", 105, 1, 0), 50'000);
  EXPECT_EQ(f.closed, (std::vector<int64_t>{100, 101, 105}));
}

TEST(FrameMerger, PoisonIsCounted) {
  Frames f;
  FrameMerger m(options(1), f);
  const std::string text = "{poison";
  m.add({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, 0);
  m.add_tombstone();
  auto good = record("a", 100, 1, 1);
  auto newer = good;
  newer[6] = 2;
  m.add(newer, 0);
  m.add(std::span(good).first(good.size() - 3), 0);
  m.add(std::vector<uint8_t>(kMaxPartialBytes + 1), 0);
  PartialHeader minutes;
  minutes.step_ms = 300'000;
  m.add(record("a", 100, 1, 1, minutes), 0);
  PartialHeader partitions;
  partitions.partitions = 2;
  m.add(record("a", 100, 1, 1, partitions), 0);
  m.add(good, 0);
  m.add(good, 0);
  const auto ledger = m.record_ledger();
  EXPECT_TRUE(ledger.balanced());
  EXPECT_EQ(ledger.in, 9u);
  EXPECT_EQ(ledger.out, 1u);
  std::map<std::string_view, uint64_t> drops(ledger.drops.begin(), ledger.drops.end());
  for (const char* reason : {"tombstone", "too_long", "not_frames", "newer_version", "damaged", "other_step",
                             "other_partitions", "repeated"})
    EXPECT_EQ(drops[reason], 1u) << reason;
}

TEST(FrameMerger, MemoryIsBounded) {
  auto o = options(2);  // of which one never comes
  o.memory_bytes = 4 * record("a", 100, 1, 1).size() + 8;
  Frames f;
  FrameMerger m(o, f);
  for (int64_t i = 0; i < 20; ++i) m.add(record("a", 100 + i, 1, 1), 0);
  EXPECT_EQ(m.forced(), 16u);
  EXPECT_EQ(m.open_steps(), 4u);
  EXPECT_EQ(m.partial_ledger().dropped(), 0u);
  EXPECT_TRUE(m.partial_ledger().balanced());
}

TEST(FrameMerger, DamagedStateIsRefused) {
  Frames f;
  FrameMerger m(options(2), f);
  m.add(record("a", 100, 1, 1), 0);
  auto saved = m.save();
  saved.resize(saved.size() - 4);
  FrameMerger other(options(2), f);
  EXPECT_THROW(other.restore(saved, "here"), base::Error);
}

}  // namespace
}  // namespace netflowgen::series
