// Laws: logs and states, however a direction's flows are spread over them, give the frames of one state that all flows are added
// to; the order of slots is the order of nodes.
#include "series/accumulate/step_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/random.h"
#include "series/accumulate/groups.h"
#include "series/accumulate/slot_order.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

using base::Random;
using flow::Flow;
using Frame = std::array<float, kFeatureCount>;

// The reference: a state for every direction from its first flow on.
struct PlainNode {
  ChunkPool pool;
  Arena arena{pool};
  DirectionState states[2] = {};

  void add(Direction d, const Part& part, const End& end) { series::add(states[d], part, end, arena); }
  StateView view(Direction d) const {
    return states[d].active > 0 ? StateView{&states[d], &arena} : StateView{};
  }
};

void expect_same(const Frame& a, const Frame& b, const std::string& where) {
  for (size_t f = 0; f < kFeatureCount; ++f) {
    EXPECT_TRUE(a[f] == b[f] || (std::isnan(a[f]) && std::isnan(b[f])))
        << where << ": " << kFeatures[f].name << " " << a[f] << " != " << b[f];
  }
}

Frame frame_of(const StateView& in, const StateView& out) {
  Frame frame;
  finish(in, out, frame);
  return frame;
}

NodeKey host(uint32_t number) { return {base::IpAddr::v4(0x0a000000 + number), 0, NodeKind::kHost}; }

// An OpenStep beside plain nodes: `hosts` of them with very different numbers of flows.
class LoggedAndPlain {
 public:
  explicit LoggedAndPlain(uint64_t seed) : random_(seed), maker_(random_) {}

  // `usual`: all flows can be logged.
  void add(uint64_t flows, uint32_t hosts, bool usual) {
    for (uint64_t i = 0; i < flows; ++i) {
      Flow f = maker_.make(random_);
      if (usual) {
        f.flows = 1;
        f.bytes %= 100'000;
        f.packets %= 1000;
      } else if (random_.chance(0.02)) {
        f.bytes = uint64_t{1} << 33;
      }
      const auto number = static_cast<uint32_t>(random_.below(1 + random_.below(hosts)));
      const auto d = random_.chance(0.6) ? kIn : kOut;
      const Part part = part_of(f);
      const End end = d == kIn ? End{hash_address(f.src), f.dst_port, f.src_port}
                               : End{hash_address(f.dst), f.src_port, f.dst_port};
      plain_[number].add(d, part, end);
      StepSlot& slot = step_.slot(host(number), seed_.hash(host(number)));
      LoggedPart logged;
      if (!log_part(encode(part), part, end, logged)) {
        step_.add(slot, d, part, end);
        ++unlogged;
      } else if (step_.append(slot, d, logged)) {
        step_.trim(slot, d);
      }
      most_logged = std::max<unsigned>(most_logged, slot.logged[d]);
    }
  }
  void compare(const std::string& where) {
    EXPECT_EQ(step_.nodes(), plain_.size());
    for (const auto& [number, plain] : plain_) {
      const StepSlot* slot = step_.look_up(host(number));
      ASSERT_NE(slot, nullptr);
      states += static_cast<unsigned>(slot->has_state(kIn));
      waiting += static_cast<unsigned>(slot->has_state(kIn) && slot->logged[kIn] > 0);
      scratch_.arena.rewind();
      expect_same(frame_of(step_.view(*slot, kIn, scratch_), step_.view(*slot, kOut, scratch_)),
                  frame_of(plain.view(kIn), plain.view(kOut)), where + ", host " + std::to_string(number));
      for (const Direction d : {kIn, kOut}) {
        const LoggedVolumes v = step_.volumes(*slot, d);
        EXPECT_EQ(v.bytes, plain.states[d].bytes);
        EXPECT_EQ(v.packets, plain.states[d].packets);
        EXPECT_EQ(v.starts, plain.states[d].starts);
        EXPECT_EQ(v.groups, plain.states[d].groups);
      }
    }
  }
  void settle() {
    step_.each([&](const StepSlot& slot) {
      for (const Direction d : {kIn, kOut}) step_.settle(const_cast<StepSlot&>(slot), d);
    });
  }

  unsigned most_logged = 0;
  unsigned states = 0;
  unsigned waiting = 0;
  unsigned unlogged = 0;

 private:
  Random random_;
  FlowMaker maker_;
  HashSeed seed_;
  ChunkPool pool_;
  OpenStep step_{pool_, seed_};
  Scratch scratch_;
  std::map<uint32_t, PlainNode> plain_;
};

TEST(StepTable, LogsGiveTheFramesOfStates) {
  unsigned most = 0;
  unsigned states = 0;
  unsigned waiting = 0;
  unsigned unlogged = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    LoggedAndPlain both(seed);
    for (const uint64_t flows : {1, 30, 300, 3000}) {
      both.add(flows, 1 + static_cast<uint32_t>(seed) * 4, seed % 2 == 0);
      both.compare("seed " + std::to_string(seed));
    }
    both.settle();
    both.compare("settled, seed " + std::to_string(seed));
    most = std::max(most, both.most_logged);
    states += both.states;
    waiting += both.waiting;
    unlogged += both.unlogged;
  }
  // All ways were taken.
  EXPECT_EQ(most, kMostLogged - 1);
  EXPECT_GT(states, 100u);
  EXPECT_GT(waiting, 50u);
  EXPECT_GT(unlogged, 100u);
}

// What is of few peers and ports becomes a state early, what is of many stays a log.
TEST(StepTable, ALogOfFewPeersBecomesAState) {
  ChunkPool pool;
  const HashSeed seed;
  OpenStep step(pool, seed);
  Part part;
  part.groups = kUsualGroups | kGroupAddresses;
  part.bits = kPartStarts | kPartPorted;
  for (const bool many : {false, true}) {
    const NodeKey node = host(many ? 1 : 0);
    StepSlot& slot = step.slot(node, seed.hash(node));
    for (uint32_t i = 0; i < kFirstLook; ++i) {
      LoggedPart logged;
      ASSERT_TRUE(log_part(encode(part), part, {many ? i : i % kSmall, 0, 0}, logged));
      if (step.append(slot, kIn, logged)) step.trim(slot, kIn);
    }
    EXPECT_EQ(slot.has_state(kIn), !many);
    EXPECT_EQ(slot.logged[kIn], many ? kFirstLook : 0);
  }
}

// Lines of logs that became states are used again: a step's memory follows its nodes, not its flows.
TEST(StepTable, LinesAreUsedAgain) {
  ChunkPool pool;
  const HashSeed seed;
  OpenStep step(pool, seed);
  Part part;
  part.groups = kUsualGroups | kGroupAddresses;
  part.bits = kPartStarts | kPartPorted;
  part.service_port = 80;
  for (uint32_t i = 0; i < 400'000; ++i) {
    const NodeKey node = host(i % 100);
    StepSlot& slot = step.slot(node, seed.hash(node));
    LoggedPart logged;
    ASSERT_TRUE(log_part(encode(part), part, {i, 80, static_cast<uint16_t>(i)}, logged));
    if (step.append(slot, kIn, logged)) step.trim(slot, kIn);
  }
  EXPECT_EQ(pool.bytes(), ChunkPool::kChunkBytes);  // 8 MB were logged
}

TEST(StepTable, WhatDoesNotFitIsNotLogged) {
  Part part;
  part.groups = kUsualGroups | kGroupAddresses;
  const auto fits = [](const Part& p) { return encode(p).fits; };
  EXPECT_TRUE(fits(part));
  Part large = part;
  large.bytes = UINT32_MAX;
  large.packets = (1u << 20) - 1;
  large.duration_ms = (1u << 27) - 1;
  EXPECT_TRUE(fits(large));
  ++large.bytes;
  EXPECT_FALSE(fits(large));
  large = part;
  large.packets = 1u << 20;
  EXPECT_FALSE(fits(large));
  large = part;
  large.duration_ms = 1u << 27;
  EXPECT_FALSE(fits(large));
  large = part;
  large.flows = 2;
  EXPECT_FALSE(fits(large));
  part.service_port = 53;
  LoggedPart logged;
  EXPECT_FALSE(log_part(encode(part), part, {1, 80, 443}, logged));
  EXPECT_TRUE(log_part(encode(part), part, {1, 80, 53}, logged));
}

TEST(StepTable, SlotsAreInTheOrderOfNodes) {
  Random random(5);
  for (const size_t n : {10, 3000}) {
    std::vector<StepSlot> slots(n);
    for (auto& s : slots) {
      s.kind = static_cast<uint8_t>(1 + random.below(4));
      for (auto& byte : s.address.bytes)
        byte = static_cast<uint8_t>(random.chance(0.5) ? random.below(256) : 7);
      s.number = static_cast<uint32_t>(random.below(3) * 100'000);
    }
    auto expected = slots;
    const auto before = [](const StepSlot& x, const StepSlot& y) { return x.node() < y.node(); };
    std::sort(expected.begin(), expected.end(), before);
    sort_by_node(slots);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(slots[i].node(), expected[i].node());
  }
}

// A step of sums alone gives what a state gives that was told no more than sums need.
TEST(OpenStep, SumsAloneEqualAState) {
  Random random(21);
  ChunkPool pool;
  const HashSeed seed;
  OpenStep step(pool, seed, true);
  std::map<uint32_t, PlainNode> plain;
  FlowMaker maker(random);
  for (int i = 0; i < 3000; ++i) {
    const Flow f = maker.make(random);
    Part part = part_of(f);
    const auto number = static_cast<uint32_t>(random.below(1 + random.below(60)));
    const auto d = random.chance(0.6) ? kIn : kOut;
    step.add(step.slot(host(number), seed.hash(host(number))), d, part, {});
    part.groups &= kSumGroups;
    plain[number].add(d, part, {});
  }
  Scratch scratch;
  size_t lacking = 0;
  for (auto& [number, node] : plain) {
    const StepSlot& slot = *step.look_up(host(number));
    const Frame expected = frame_of(node.view(kIn), node.view(kOut));
    Frame found;
    step.finish(slot, scratch, found);
    expect_same(found, expected, "finish");
    expect_same(frame_of(step.view(slot, kIn, scratch), step.view(slot, kOut, scratch)), expected, "view");
    for (const auto d : {kIn, kOut}) {
      const auto sums = step.volumes(slot, d);
      EXPECT_EQ(sums.bytes, node.states[d].bytes);
      EXPECT_EQ(sums.packets, node.states[d].packets);
      EXPECT_EQ(sums.starts, node.states[d].starts);
      EXPECT_EQ(sums.groups, node.states[d].groups);
      lacking += node.states[d].bytes_without_packets > 0 || node.states[d].flows_without_duration > 0;
    }
  }
  EXPECT_GT(lacking, 10u);
}

}  // namespace
}  // namespace netflowgen::series
