#include "serve/sizing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace netflowgen::serve {
namespace {

SizeInput input(SizeMode mode) {
  SizeInput in;
  in.mode = mode;
  in.flows_per_s = 100'000;
  in.nodes = 200'000;
  in.active = 100'000;
  in.bytes_per_node = 50'000;
  return in;
}

double value(const Sizing& s, const std::string& name) {
  const auto it =
      std::find_if(s.lines.begin(), s.lines.end(), [&](const SizeLine& l) { return l.name == name; });
  return it == s.lines.end() ? std::nan("") : it->value;
}

double known(std::string_view name) {
  for (const auto& c : size_constants()) {
    if (c.name == name) return c.value;
  }
  return std::nan("");
}

TEST(Sizing, IsTheSumOfItsTerms) {
  const auto s = size_of(input(SizeMode::kDetect));
  const double frames = 100'000.0 / 60;
  EXPECT_NEAR(value(s, "collector_cores"),
              (0.1 * known("flow_cpu") + frames / 1e6 * known("frame_cpu")) / 0.6, 1e-9);
  EXPECT_NEAR(value(s, "detector_cores"), frames / 1e6 * known("score_cpu") / 0.6, 1e-9);
  EXPECT_NEAR(value(s, "state"), 200'000 * (50'000 + known("node_bytes")), 1);
  EXPECT_NEAR(value(s, "store_day"), frames * 86'400 * known("frame_disk"), 1);
  EXPECT_TRUE(std::isnan(value(size_of(input(SizeMode::kCollect)), "detector_cores")));
}

TEST(Sizing, HistoryIsPartOfTheMemory) {
  auto in = input(SizeMode::kDetect);
  const double without = value(size_of(in), "memory");
  in.history_bytes = 512e6;
  EXPECT_NEAR(value(size_of(in), "memory"), without + 512e6, 1);
}

TEST(Sizing, NothingShrinksWhereTheNetworkGrows) {
  for (const SizeMode mode : {SizeMode::kCollect, SizeMode::kDetect, SizeMode::kFleet}) {
    const auto small = size_of(input(mode));
    auto in = input(mode);
    in.flows_per_s *= 100;
    in.nodes *= 100;
    in.active *= 100;
    const auto large = size_of(in);
    ASSERT_EQ(small.lines.size(), large.lines.size());
    for (size_t i = 0; i < small.lines.size(); ++i) {
      const auto& name = small.lines[i].name;
      // Of one of many workers, which are many more.
      if (mode == SizeMode::kFleet &&
          (name.ends_with("_memory") || name.starts_with("store") || name == "score_s"))
        continue;
      EXPECT_GE(large.lines[i].value, small.lines[i].value) << name;
    }
  }
}

TEST(Sizing, AFleetHasWhatItsWorkersTake) {
  auto in = input(SizeMode::kFleet);
  in.flows_per_s = 10e6;
  in.nodes = 10e6;
  in.active = 5e6;
  const auto s = size_of(in);
  EXPECT_GE(value(s, "partitions"), 2 * value(s, "detectors"));
  EXPECT_GT(value(s, "collectors"), 5);
  in.collectors = 1;
  const auto one = size_of(in);
  EXPECT_EQ(value(one, "collectors"), 1);
  EXPECT_FALSE(one.warnings.empty());  // that is too much for one
  EXPECT_LT(value(one, "topic_rate"), value(s, "topic_rate"));
}

// A partial frame of many flows has sketches, whose size does not grow.
TEST(Sizing, APartialFrameGrowsWithItsFlowsUpToSketches) {
  auto in = input(SizeMode::kFleet);
  in.collectors = 1;
  const auto bytes = [&](double flows_a_frame) {
    in.flows_per_s = flows_a_frame * in.active / in.step_s;
    return value(size_of(in), "topic_rate") * in.step_s / in.active;
  };
  EXPECT_NEAR(bytes(10), known("record_bytes") + 10 * known("record_flow_bytes"), 1e-6);
  EXPECT_NEAR(bytes(1000), known("record_most_bytes"), 1e-6);
}

TEST(Sizing, FramesWaitInMemoryUntilTheyAreWritten) {
  auto in = input(SizeMode::kCollect);
  const double five_minutes = value(size_of(in), "memory");
  in.flush_s = 60;
  EXPECT_NEAR(five_minutes - value(size_of(in), "memory"), 4 * in.active * known("frame_disk"), 1);
}

TEST(Sizing, EveryConstantNamesItsMeasurement) {
  for (const auto& c : size_constants()) {
    EXPECT_GT(c.value, 0) << c.name;
    EXPECT_NE(c.from.find("bench/"), std::string_view::npos) << c.name;
  }
}

}  // namespace
}  // namespace netflowgen::serve
