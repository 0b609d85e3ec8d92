#include "series/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

using base::IpAddr;
using base::Prefix;
using base::Random;
using flow::Flow;

constexpr base::TimeMs kBase = 1'700'000'040'000;  // a multiple of 60 s
constexpr int64_t kBaseStep = kBase / 60'000;
constexpr uint32_t kAll = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets |
                          flow::kKnownPorts | flow::kKnownProtocol | flow::kKnownTcpFlags |
                          flow::kKnownDuration;

// Frames by (node, step relative to kBase), in the order they came.
class Frames : public FrameSink {
 public:
  void frame(const NodeKey& node, int64_t step, std::span<const float> frame) override {
    const auto key = std::pair(name_of(node), step - kBaseStep);
    EXPECT_FALSE(all.contains(key)) << key.first << " at " << key.second;
    EXPECT_GT(std::pair(step, node), last_);
    last_ = {step, node};
    std::copy(frame.begin(), frame.end(), all[key].begin());
  }
  float at(const std::string& node, int64_t step, size_t feature) const {
    return all.at({node, step})[feature];
  }
  std::vector<int64_t> steps(const std::string& node) const {
    std::vector<int64_t> out;
    for (const auto& [key, f] : all) {
      if (key.first == node) out.push_back(key.second);
    }
    return out;
  }
  double sum(const std::string& node, size_t feature) const {
    double total = 0;
    for (const auto& [key, f] : all) total += key.first == node ? f[feature] : 0;
    return total;
  }

  std::map<std::pair<std::string, int64_t>, std::array<float, kFeatureCount>> all;

 private:
  std::pair<int64_t, NodeKey> last_{INT64_MIN, {}};
};

// "10.0.0.s" -> "10.0.0.d", times in seconds after kBase.
Flow make(uint8_t s, uint8_t d, double start, double end, uint64_t bytes = 100, uint64_t packets = 1) {
  Flow f;
  f.src = IpAddr::v4(0x0a000000u + s);
  f.dst = IpAddr::v4(0x0a000000u + d);
  f.start_ms = kBase + static_cast<int64_t>(start * 1000);
  f.end_ms = kBase + static_cast<int64_t>(end * 1000);
  f.bytes = bytes;
  f.packets = packets;
  f.protocol = flow::kTcp;
  f.src_port = 40000;
  f.dst_port = 443;
  f.known = kAll;
  return f;
}

void expect_balanced(const SeriesBuilder& b) {
  EXPECT_TRUE(b.flow_ledger().balanced());
  EXPECT_TRUE(b.frame_ledger().balanced());
}

uint64_t dropped(const SeriesBuilder& b, FlowDrop reason) {
  for (const auto& [name, count] : b.flow_ledger().drops) {
    if (name == name_of(reason)) return count;
  }
  return 0;
}

struct Built {
  explicit Built(const std::vector<Flow>& flows, SeriesOptions options = {}) : builder(options, frames) {
    builder.add(flows);
    expect_balanced(builder);
    builder.finish();
    expect_balanced(builder);
    EXPECT_EQ(builder.flow_ledger().held + builder.frame_ledger().held, 0u);
  }
  Frames frames;
  SeriesBuilder builder;
};

TEST(Builder, BothEndsOfAFlow) {
  const Built run({make(1, 2, 0, 1, 500, 5)});
  EXPECT_EQ(run.frames.all.size(), 2u);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kBytesIn), 500);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kBytesOut), 0);
  EXPECT_EQ(run.frames.at("10.0.0.1", 0, kBytesOut), 500);
  EXPECT_EQ(run.frames.at("10.0.0.1", 0, kPacketsOut), 5);
  EXPECT_EQ(run.frames.at("10.0.0.1", 0, kTopPortOut), 443);
  EXPECT_EQ(run.frames.at("10.0.0.1", 0, kOutInRatio), 1);
  EXPECT_EQ(run.builder.first_step(), kBaseStep);
  EXPECT_EQ(run.builder.end_step(), kBaseStep + 1);
}

TEST(Builder, ALongFlowIsSpreadToTheUnit) {
  // 30 s in step 0, 60 in 1, 60 in 2, 25 in 3.
  const Built run({make(1, 2, 30, 205, 1001, 7)});
  EXPECT_THAT(run.frames.steps("10.0.0.2"), testing::ElementsAre(0, 1, 2, 3));
  const double bytes[] = {171, 343, 344, 143};  // floors of cumulative shares: 171.6, 514.8, 858, 1001
  for (int i = 0; i < 4; ++i) EXPECT_EQ(run.frames.at("10.0.0.2", i, kBytesIn), bytes[i]) << i;
  EXPECT_EQ(run.frames.sum("10.0.0.2", kPacketsIn), 7);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kFlowsIn), 1);  // counted where it starts
  EXPECT_EQ(run.frames.sum("10.0.0.2", kFlowsIn), 1);
  EXPECT_EQ(run.frames.at("10.0.0.2", 3, kPeersIn), 1);  // but active everywhere
  EXPECT_EQ(run.builder.spread(), 1u);
}

TEST(Builder, StepEdges) {
  const Built run({make(1, 2, 0, 60), make(1, 2, 60, 60), make(1, 2, 119.999, 120.001, 1000)});
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kFlowsIn), 1);  // ends at the edge: nothing in step 1
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kBytesIn), 100);
  EXPECT_EQ(run.frames.at("10.0.0.2", 1, kFlowsIn), 2);
  EXPECT_EQ(run.frames.at("10.0.0.2", 1, kBytesIn), 600);
  EXPECT_EQ(run.frames.at("10.0.0.2", 2, kBytesIn), 500);
  EXPECT_EQ(run.frames.at("10.0.0.2", 2, kFlowsIn), 0);
}

TEST(Builder, AFewPacketsDoNotMakeALongFlowActiveEverywhere) {
  const Built run({make(1, 2, 0, 3600, 120, 2)}, {.lateness_ms = 7'200'000});
  EXPECT_EQ(run.frames.sum("10.0.0.2", kBytesIn), 120);
  EXPECT_EQ(run.frames.sum("10.0.0.2", kPacketsIn), 2);
  const Built sparse({make(1, 2, 0, 3600, 3, 2)});
  EXPECT_EQ(sparse.frames.all.size(), 2u * 5);  // where it starts, and where a byte or packet falls
}

TEST(Builder, SamplingIsUndoneOnCountersNotOnFlows) {
  Flow f = make(1, 2, 0, 1, 100, 3);
  f.sampling = 1000;
  const Built run({f});
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kBytesIn), 100'000);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kPacketsIn), 3000);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kFlowsIn), 1);
}

TEST(Builder, ARecordCountsForTheFlowsItStandsFor) {
  Flow many = make(1, 2, 0, 1, 481'000, 900);
  many.flows = 57;
  Flow rest = make(1, 2, 1, 2, 1000, 10);
  rest.flows = 0;  // the rest of a flow that was counted
  const Built run({many, rest, make(3, 2, 0, 1)});
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kFlowsIn), 58);
  EXPECT_EQ(run.frames.at("10.0.0.1", 0, kFlowsOut), 57);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kBytesIn), 482'100);
  EXPECT_NEAR(run.frames.at("10.0.0.2", 0, kTopPeerShareIn), 58.0 / 59, 1e-6);
  const Built spread({[] {
    Flow f = make(1, 2, 0, 180, 1800, 180);
    f.flows = 9;
    return f;
  }()});
  EXPECT_EQ(spread.frames.sum("10.0.0.2", kFlowsIn), 9) << "where it starts";
}

TEST(Builder, EventsAndRepeatsAreNoTraffic) {
  Flow created = make(1, 2, 0, 0, 0, 0);
  created.known |= flow::kKnownEvent;
  created.event = 1;
  Flow translated = created;
  translated.known &= ~uint32_t{flow::kKnownBytes | flow::kKnownPackets};
  Flow repeated = make(1, 2, 0, 1, 0, 0);
  repeated.flows = 0;
  Flow deleted = make(1, 2, 0, 1, 1200, 12);
  deleted.known |= flow::kKnownEvent;
  deleted.event = 2;
  const Built run({created, translated, repeated, deleted});
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kFlowsIn), 1);
  EXPECT_EQ(run.frames.at("10.0.0.2", 0, kBytesIn), 1200);
  EXPECT_EQ(dropped(run.builder, FlowDrop::kEvent), 2u);
  EXPECT_EQ(dropped(run.builder, FlowDrop::kRepeat), 1u);
}

// Any order within the lateness gives the same frames, and the sums are those of the flows, to the unit.
TEST(Builder, OrderWithinLatenessDoesNotMatterAndNothingIsLost) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    std::vector<Flow> flows;
    std::map<std::string, std::array<double, 6>> want;
    for (int i = 0; i < 600; ++i) {
      const double start = random.uniform(0, 1200);
      const double length = random.chance(0.5) ? random.uniform(0, 10) : random.uniform(0, 900);
      flows.push_back(make(static_cast<uint8_t>(random.below(6)), static_cast<uint8_t>(random.below(6)),
                           start, start + length, random.below(3000), random.below(9)));
      const auto& f = flows.back();
      auto& to = want[f.dst.to_string()];
      auto& from = want[f.src.to_string()];
      to[0] += static_cast<double>(f.bytes);
      to[1] += static_cast<double>(f.packets);
      to[2] += 1;
      from[3] += static_cast<double>(f.bytes);
      from[4] += static_cast<double>(f.packets);
      from[5] += 1;
    }
    std::sort(flows.begin(), flows.end(),
              [](const Flow& a, const Flow& b) { return a.start_ms < b.start_ms; });
    SeriesOptions options;
    options.lateness_ms = 300'000;
    const Built sorted(flows, options);
    // Delays of up to the lateness, less a step.
    std::vector<std::pair<base::TimeMs, size_t>> order;
    for (size_t i = 0; i < flows.size(); ++i) {
      order.emplace_back(flows[i].start_ms + static_cast<int64_t>(random.below(240'000)), i);
    }
    std::sort(order.begin(), order.end());
    std::vector<Flow> late;
    for (const auto& [time, i] : order) late.push_back(flows[i]);
    const Built delayed(late, options);
    EXPECT_EQ(sorted.frames.all, delayed.frames.all);
    EXPECT_EQ(delayed.builder.flow_ledger().dropped(), 0u);
    for (const auto& [node, sums] : want) {
      const size_t features[] = {kBytesIn, kPacketsIn, kFlowsIn, kBytesOut, kPacketsOut, kFlowsOut};
      for (int k = 0; k < 6; ++k) {
        EXPECT_EQ(sorted.frames.sum(node, features[k]), sums[static_cast<size_t>(k)]) << node << " " << k;
      }
    }
  }
}

TEST(Builder, LateFlowsAreCountedAndHalfLateOnesAreClamped) {
  std::vector<Flow> flows(64, make(1, 2, 600, 601));  // as many settle what time it is
  flows.push_back(make(1, 3, 1, 2));
  flows.push_back(make(1, 4, 100, 550, 4500));
  const Built run(flows, {.lateness_ms = 120'000});
  // The watermark is at 600 s: steps before 8 are closed.
  EXPECT_EQ(dropped(run.builder, FlowDrop::kLate), 1u);
  EXPECT_TRUE(run.frames.steps("10.0.0.3").empty());
  EXPECT_EQ(run.builder.clamped(), 1u);
  EXPECT_EQ(run.frames.at("10.0.0.4", 8, kBytesIn), 4400);  // 380 s of closed steps and its own 60 s
  EXPECT_EQ(run.frames.at("10.0.0.4", 9, kBytesIn), 100);
  EXPECT_EQ(run.frames.at("10.0.0.4", 8, kFlowsIn), 1);
}

TEST(Builder, SumsHoldWhateverIsLate) {
  Random random(9);
  for (int round = 0; round < 50; ++round) {
    std::vector<Flow> flows;
    for (int i = 0; i < 300; ++i) {
      const double start = random.uniform(0, 3000);
      flows.push_back(
          make(1, 2, start, start + random.uniform(0, 800), random.below(5000), random.below(50)));
    }
    Frames frames;
    SeriesBuilder builder({.lateness_ms = static_cast<int64_t>(random.below(200'000))}, frames);
    double bytes = 0;
    uint64_t before = 0;
    // One by one, so that what was accepted is known. The first 64 are held until time is settled.
    builder.add({flows.data(), 64});
    EXPECT_EQ(builder.flow_ledger().held, 0u);
    std::set<int> late;
    before = builder.flow_ledger().out;
    const uint64_t first = before;
    for (size_t i = 64; i < flows.size(); ++i) {
      builder.add({&flows[i], 1});
      if (builder.flow_ledger().out > before) bytes += static_cast<double>(flows[i].bytes);
      before = builder.flow_ledger().out;
    }
    builder.finish();
    expect_balanced(builder);
    EXPECT_GT(before, first);
    double flows_in = frames.sum("10.0.0.2", kFlowsIn);
    EXPECT_EQ(flows_in, static_cast<double>(builder.flow_ledger().out));
    EXPECT_GE(frames.sum("10.0.0.2", kBytesIn), bytes);
  }
}

TEST(Builder, ImpossibleTimesAreCounted) {
  Flow clockless = make(1, 2, 0, 1);
  clockless.start_ms = clockless.end_ms = 1000;
  Flow backwards = make(1, 2, 10, 5);
  Flow future = make(1, 2, 0, 1);
  future.start_ms = future.end_ms = INT64_MAX;
  Flow ages = make(1, 2, 0, 1);
  ages.start_ms = INT64_MIN;
  const Built run({make(1, 2, 0, 1), clockless, backwards, future, ages, make(1, 2, 0, 200'000)});
  EXPECT_EQ(dropped(run.builder, FlowDrop::kBadTime), 4u);
  EXPECT_EQ(dropped(run.builder, FlowDrop::kTooLong), 1u);
  EXPECT_EQ(run.frames.all.size(), 2u);
}

TEST(Builder, OneWrongClockDoesNotCloseTheStepsOfAllOthers) {
  std::vector<Flow> flows;
  for (int i = 0; i < 6000; ++i) {
    flows.push_back(make(1, 2, i, i));
    if (i == 0 || i == 200) flows.push_back(make(9, 8, 4e6, 4e6));  // 46 days ahead
  }
  const Built run(flows);
  EXPECT_EQ(run.frames.sum("10.0.0.2", kFlowsIn), 6000);
  EXPECT_EQ(dropped(run.builder, FlowDrop::kAhead), 2u);
  EXPECT_TRUE(run.frames.steps("10.0.0.8").empty());
}

// Four minutes ahead is near enough to be taken, and twice what --lateness leaves to the others.
TEST(Builder, AClockThatIsAheadClosesNoStepOfTheOthers) {
  Frames frames;
  SeriesOptions options;
  options.lateness_ms = 120'000;
  SeriesBuilder b(options, frames);
  for (int second = 0; second < 600; ++second) {
    Flow good = make(1, 2, second, second);
    Flow ahead = make(3, 4, second + 240, second + 240);
    good.received_ms = ahead.received_ms = kBase + second * 1000;
    b.add(std::vector{ahead, good});
  }
  b.finish();
  EXPECT_EQ(dropped(b, FlowDrop::kLate), 0u);
  EXPECT_EQ(frames.sum("10.0.0.2", kFlowsIn), 600);
  EXPECT_EQ(frames.sum("10.0.0.4", kFlowsIn), 600);
  EXPECT_EQ(frames.steps("10.0.0.4").front(), 4);
  expect_balanced(b);
}

TEST(Builder, AGapInTheArchiveIsNoWrongClock) {
  std::vector<Flow> flows;
  for (int i = 0; i < 500; ++i) flows.push_back(make(1, 2, i, i));
  for (int i = 0; i < 500; ++i) flows.push_back(make(1, 2, 3e6 + i, 3e6 + i));
  for (int i = 0; i < 5; ++i)
    flows.push_back(make(1, 2, 6e6 + i, 6e6 + i));  // the last few, after another gap
  const Built run(flows);
  EXPECT_EQ(run.builder.flow_ledger().dropped(), 0u);
  EXPECT_EQ(run.frames.sum("10.0.0.2", kFlowsIn), 1005);
}

TEST(Builder, FewFlowsFarApartAreAllTaken) {
  const Built run({make(1, 2, 0, 0), make(1, 2, 1e6, 1e6), make(1, 2, 9e6, 9e6)});
  EXPECT_EQ(run.frames.sum("10.0.0.2", kFlowsIn), 3);
}

TEST(Builder, TimeGoesOnWithoutFlows) {
  Frames frames;
  SeriesBuilder builder({.lateness_ms = 60'000}, frames);
  const std::vector<Flow> flows = {make(1, 2, 0, 90)};
  builder.add(flows);
  EXPECT_EQ(builder.flow_ledger().held, 1u);
  builder.advance(kBase + 100'000);
  EXPECT_EQ(builder.flow_ledger().held, 0u);
  EXPECT_TRUE(frames.all.empty());
  EXPECT_EQ(builder.frame_ledger().held, 4u);
  builder.advance(kBase + 120'000);
  EXPECT_THAT(frames.steps("10.0.0.2"), testing::ElementsAre(0));
  builder.advance(kBase + 180'000);
  EXPECT_THAT(frames.steps("10.0.0.2"), testing::ElementsAre(0, 1));
}

TEST(Builder, AppendedFlowsStartAfterWhatIsThere) {
  const Built run({make(1, 2, 0, 1), make(1, 2, 50, 70, 200), make(1, 2, 130, 131)},
                  {.lateness_ms = 3'600'000, .closed_before = kBaseStep + 1});
  EXPECT_EQ(dropped(run.builder, FlowDrop::kLate), 1u);
  EXPECT_THAT(run.frames.steps("10.0.0.2"), testing::ElementsAre(1, 2));
  EXPECT_EQ(run.frames.at("10.0.0.2", 1, kBytesIn), 200);
}

TEST(Builder, MemoryDoesNotGrowWithTheArchive) {
  class Count : public FrameSink {
   public:
    void frame(const NodeKey&, int64_t, std::span<const float>) override { ++frames; }
    uint64_t frames = 0;
  } sink;
  SeriesBuilder builder({}, sink);
  Random random(4);
  size_t early = 0;
  for (int minute = 0; minute < 300; ++minute) {
    std::vector<Flow> flows;
    for (int i = 0; i < 2000; ++i) {
      Flow f = make(1, 2, minute * 60 + 59.0 * i / 2000, 0);
      f.end_ms = f.start_ms + static_cast<int64_t>(random.below(100'000));
      f.src = IpAddr::v4(static_cast<uint32_t>(random.next()));  // ever new sources
      flows.push_back(f);
    }
    builder.add(flows);
    if (minute == 20) early = builder.memory_bytes();
  }
  EXPECT_GT(sink.frames, 500'000u);
  EXPECT_LE(builder.memory_bytes(), early * 5 / 4);
}

TEST(Builder, TheHashSeedChangesNothing) {
  Random random(2);
  const FlowMaker maker(random);
  std::vector<Flow> flows;
  for (int i = 0; i < 5000; ++i) flows.push_back(maker.make(random));
  SeriesOptions other;
  other.seed = {123456789, 987654321};
  const Built a(flows);
  const Built b(flows, other);
  ASSERT_EQ(a.frames.all.size(), b.frames.all.size());
  for (const auto& [key, frame] : a.frames.all) {
    EXPECT_EQ(std::memcmp(frame.data(), b.frames.all.at(key).data(), sizeof frame), 0) << key.first;
  }
}

TEST(Builder, NodesOfSeveralKinds) {
  Flow f = make(1, 2, 0, 1, 100);
  f.dst = *IpAddr::parse("2001:db8:1:2::3");
  f.exporter = *IpAddr::parse("192.0.2.254");
  f.in_if = 7;
  f.out_if = 0;
  f.src_as = 64500;
  f.dst_as = 64501;
  f.known |= flow::kKnownInterfaces | flow::kKnownAs;
  SeriesOptions options;
  parse_hosts("10.0.0.0/30,192.0.2.0/24", options.nodes);
  parse_prefixes("/24,/48,10.0.0.0/8,10.0.0.0/24", options.nodes);
  options.nodes.interfaces = options.nodes.as = true;
  const Built run({f}, options);
  std::vector<std::string> names;
  for (const auto& [key, frame] : run.frames.all) names.push_back(key.first);
  EXPECT_THAT(names, testing::ElementsAre("10.0.0.0/24", "10.0.0.0/8", "10.0.0.1", "192.0.2.254#7",
                                          "2001:db8:1::/48", "AS64500", "AS64501"));
  EXPECT_EQ(run.frames.at("192.0.2.254#7", 0, kBytesIn), 100);
  EXPECT_EQ(run.frames.at("AS64500", 0, kBytesOut), 100);
  EXPECT_EQ(run.frames.at("10.0.0.0/24", 0, kFlowsOut), 1);  // asked for twice, counted once
}

TEST(Builder, FlowsOfNoNodeAreCounted) {
  SeriesOptions options;
  parse_hosts("192.0.2.0/24", options.nodes);
  Flow f = make(1, 2, 0, 1);
  f.known &= ~static_cast<uint32_t>(flow::kKnownAddresses);
  const Built run({make(1, 2, 0, 1), f}, options);
  EXPECT_EQ(dropped(run.builder, FlowDrop::kNotSelected), 2u);
}

TEST(Builder, RefusesOptionsThatMakeNoSense) {
  Frames frames;
  EXPECT_THROW(SeriesBuilder({.step_ms = 0}, frames), base::UsageError);
  EXPECT_THROW(SeriesBuilder({.lateness_ms = -1}, frames), base::UsageError);
  NodeOptions nodes;
  EXPECT_THROW(parse_hosts("10.0.0.0/33", nodes), base::UsageError);
  EXPECT_THROW(parse_prefixes("/x", nodes), base::UsageError);
  EXPECT_THROW(parse_prefixes("10.0.0.0/8,ten", nodes), base::UsageError);
}

TEST(AddressSet, AgreesWithTheListOfPrefixes) {
  Random random(8);
  for (int round = 0; round < 200; ++round) {
    std::vector<Prefix> prefixes;
    for (uint64_t i = 0; i < random.below(20); ++i) {
      const auto length = static_cast<uint8_t>(100 + random.below(29));
      prefixes.push_back({mask(IpAddr::v4(static_cast<uint32_t>(random.below(4096))), length), length});
    }
    const AddressSet set(prefixes);
    for (uint32_t a = 0; a < 4200; a += 7) {
      const auto address = IpAddr::v4(a);
      const bool want =
          std::any_of(prefixes.begin(), prefixes.end(), [&](const Prefix& p) { return p.contains(address); });
      ASSERT_EQ(set.contains(address), want);
    }
  }
}

}  // namespace
}  // namespace netflowgen::series
