#include "sim/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "sim/testing.h"

namespace netflowgen::sim {
namespace {

using testing::HasSubstr;

TEST(Draw, TwoHundredNetworksAreValidAndUnlikeEachOther) {
  std::set<int64_t> samplings;
  std::set<std::string> kinds;
  double low = 1e9;
  double high = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Scenario s = draw_scenario(seed);
    EXPECT_NO_THROW(validate(s, {"drawn", {}})) << seed;
    samplings.insert(s.network.sampling);
    for (const auto& e : s.attacks.script) {
      kinds.insert(e.kind);
      low = std::min(low, *e.intensity);
      high = std::max(high, *e.intensity);
      EXPECT_GE(e.duration->ms, 20'000);
    }
    for (const auto& [name, role] : s.hosts) EXPECT_GT(role.count, 0);
  }
  EXPECT_GT(samplings.size(), 60u);
  EXPECT_EQ(kinds.size(), 17u);
  EXPECT_LT(low, 0.3);
  EXPECT_GT(high, 500);
}

// Three connections a minute to a quiet host are no attack that anybody would name, and where nothing is sampled they would be
// learnt as one. Only long attacks whose records are bounded may be weaker.
TEST(Draw, HardlyAnAttackIsTooWeakToBeOne) {
  size_t attacks = 0;
  size_t weak = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Simulator simulator(draw_scenario(seed), {1});
    for (const auto& e : simulator.attacks()) {
      const double least = 200 * std::max(1.0, static_cast<double>(e.victims.size()) / 4);
      weak += e.packets_per_ms * 60'000 < 0.99 * least ? 1 : 0;
      ++attacks;
    }
  }
  EXPECT_GT(attacks, 500u);
  EXPECT_LT(static_cast<double>(weak), 0.06 * static_cast<double>(attacks));
}

TEST(Draw, DependsOnTheSeedAlone) {
  for (uint64_t seed = 0; seed < 10; ++seed)
    EXPECT_EQ(dump_scenario(draw_scenario(seed)), dump_scenario(draw_scenario(seed)));
  EXPECT_NE(dump_scenario(draw_scenario(1)), dump_scenario(draw_scenario(2)));
}

TEST(Draw, TheDumpedScenarioGivesTheSameFlows) {
  DrawOptions small;
  small.max_hosts = 20;
  small.max_records = 30'000;
  small.duration = {{6 * 3'600'000}, {6 * 3'600'000}};
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const Scenario drawn = draw_scenario(seed, small);
    const Scenario read = parse_scenario(dump_scenario(drawn), "dump");
    EXPECT_EQ(dump_scenario(read), dump_scenario(drawn));
    const auto a = all_flows(drawn);
    const auto b = all_flows(read);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].start_ms, b[i].start_ms);
      ASSERT_EQ(a[i].packets, b[i].packets);
      ASSERT_EQ(a[i].bytes, b[i].bytes);
    }
  }
}

TEST(Draw, FamiliesAreLeftOut) {
  DrawOptions o;
  o.leave_out.attacks = {"syn_flood", "slowloris", "carpet_bombing"};
  o.leave_out.roles = {"web", "client"};
  o.leave_out.cycles = {"server", "home"};
  o.leave_out.benign = {"flash_crowd", "backup", "burst"};
  o.leave_out.shapes = {"one_source", "kept_flows", "connections", "pulsed", "answered"};
  o.leave_out.sampling = {{1, 100}};
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Scenario s = draw_scenario(seed, o);
    EXPECT_GT(s.network.sampling, 100);
    EXPECT_EQ(s.benign.flash_crowds, 0);
    EXPECT_EQ(s.benign.bursts, 0);
    EXPECT_EQ(s.benign.backup_share, 0);
    for (const auto& [name, role] : s.hosts) {
      EXPECT_TRUE(role.like != "web" && role.like != "client") << role.like;
      EXPECT_TRUE(role.cycle != "server" && role.cycle != "home") << role.cycle;
    }
    for (const auto& e : s.attacks.script) {
      for (const auto& kind : {e.kind, e.shape->vector})
        EXPECT_TRUE(kind != "syn_flood" && kind != "slowloris" && kind != "carpet_bombing") << kind;
      EXPECT_GT(*e.sources, 1);
      EXPECT_FALSE(e.shape->flow_packets || e.shape->pulse_period || e.shape->answer.value_or(0) > 0);
    }
  }
}

TEST(Draw, RecordsAreBounded) {
  DrawOptions o;
  o.max_hosts = 60;
  o.max_records = 60'000;
  o.duration = {{43'200'000}, {86'400'000}};
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const auto n = static_cast<int64_t>(all_flows(draw_scenario(seed, o)).size());
    EXPECT_LE(n, o.max_records) << seed;
    EXPECT_GE(n, 500) << seed;
  }
}

TEST(Draw, OptionsThatMakeNoSenseAreRefused) {
  const auto error_of = [](auto change) -> std::string {
    DrawOptions o;
    change(o);
    try {
      draw_scenario(1, o);
    } catch (const base::Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(error_of([](auto& o) { o.leave_out.attacks = {"sin_flood"}; }),
              HasSubstr("did you mean 'syn_flood'?"));
  EXPECT_THAT(error_of([](auto& o) { o.leave_out.benign = {"flush_crowd"}; }),
              HasSubstr("did you mean 'flash_crowd'?"));
  EXPECT_THAT(error_of([](auto& o) { o.leave_out.shapes = {"round"}; }), HasSubstr(kShapeFamilies));
  EXPECT_THAT(error_of([](auto& o) {
                o.leave_out.cycles = {"office", "home", "server", "flat", "night"};
              }),
              HasSubstr("leave out cycles: nothing is left"));
  EXPECT_THAT(error_of([](auto& o) { o.leave_out.sampling = {{1, 4096}}; }), HasSubstr("nothing is left"));
  EXPECT_THAT(error_of([](auto& o) { o.max_hosts = 3; }), HasSubstr("10 hosts or more, not 3"));
  EXPECT_THAT(error_of([](auto& o) { o.max_records = 3; }), HasSubstr("records"));
  EXPECT_THAT(error_of([](auto& o) { o.duration = {{7'200'000}, {3'600'000}}; }), HasSubstr("shortest"));
}

}  // namespace
}  // namespace netflowgen::sim
