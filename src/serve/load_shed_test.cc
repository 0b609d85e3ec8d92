// What is shed when, by a clock of the test's own.
#include "serve/load_shed.h"

#include <gtest/gtest.h>

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kNow = 1'700'000'000'000;

TEST(LoadShed, RisesByHowFarReadingIsBehind) {
  LoadShed shed;
  EXPECT_FALSE(shed.update(kNow, kNow - 2'999, 0));
  EXPECT_EQ(shed.level(), Shed::kNothing);
  EXPECT_TRUE(shed.update(kNow + 1, kNow + 1 - 3'000, 0));
  EXPECT_EQ(shed.level(), Shed::kOpenStep);
  EXPECT_TRUE(shed.update(kNow + 2, kNow + 2 - 7'000, 0));
  EXPECT_EQ(shed.level(), Shed::kHistoryDetail);
  EXPECT_TRUE(shed.update(kNow + 3, kNow + 3 - 11'000, 0));
  EXPECT_EQ(shed.level(), Shed::kFlowSample);
  LoadShed stalled;  // a step that took long to score: at once what that delay asks for
  EXPECT_TRUE(stalled.update(kNow, kNow - 30'000, 0));
  EXPECT_EQ(stalled.level(), Shed::kFlowSample);
}

TEST(LoadShed, WhatScoringAStepTakesIsNoOverload) {
  LoadShed shed;
  EXPECT_FALSE(shed.update(kNow, kNow - 6'999, 0, 4'000));
  EXPECT_TRUE(shed.update(kNow, kNow - 7'000, 0, 4'000));
  EXPECT_EQ(shed.level(), Shed::kOpenStep);
  LoadShed slow;  // scoring that takes longer than the queue lasts is overload
  EXPECT_FALSE(slow.update(kNow, kNow - 7'999, 0, 60'000));
  EXPECT_TRUE(slow.update(kNow, kNow - 16'000, 0, 60'000));
  EXPECT_EQ(slow.level(), Shed::kFlowSample);
}

TEST(LoadShed, RisesWhileTheKernelDrops) {
  LoadShed shed;
  EXPECT_TRUE(shed.update(kNow, kNow, 10));
  EXPECT_EQ(shed.level(), Shed::kOpenStep);
  EXPECT_FALSE(shed.update(kNow + 500, kNow + 500, 20));  // once a second
  EXPECT_TRUE(shed.update(kNow + 1'000, kNow + 1'000, 30));
  EXPECT_TRUE(shed.update(kNow + 2'000, kNow + 2'000, 40));
  EXPECT_FALSE(shed.update(kNow + 3'000, kNow + 3'000, 50));
  EXPECT_EQ(shed.level(), Shed::kFlowSample);
}

TEST(LoadShed, FallsLevelByLevelOnceCalm) {
  LoadShed shed;
  shed.update(kNow, kNow - 20'000, 0);
  base::TimeMs now = kNow;
  std::vector<Shed> seen;
  for (int i = 0; i < 200; ++i) {
    now += 100;
    // Still behind for 2 s, and once more a moment later: the calm begins anew.
    const int64_t behind = i < 20 || i == 40 ? 2'000 : 100;
    if (shed.update(now, now - behind, 0)) seen.push_back(shed.level());
    if (i == 90) {
      EXPECT_EQ(shed.level(), Shed::kFlowSample);
    }
  }
  EXPECT_EQ(seen, (std::vector{Shed::kHistoryDetail, Shed::kOpenStep, Shed::kNothing}));
}

TEST(LoadShed, CountsWhatIsLeftOut) {
  LoadShed shed;
  EXPECT_TRUE(shed.ledgers().empty());
  EXPECT_TRUE(shed.keep(Shed::kOpenStep, 1));
  EXPECT_TRUE(shed.keep(Shed::kHistoryDetail, 100));
  EXPECT_TRUE(shed.keep(Shed::kFlowSample, 100));
  shed.update(kNow, kNow - 8'000, 0);
  EXPECT_FALSE(shed.keep(Shed::kOpenStep, 1));
  EXPECT_FALSE(shed.keep(Shed::kHistoryDetail, 40));
  EXPECT_TRUE(shed.keep(Shed::kFlowSample, 40));
  const auto ledgers = shed.ledgers();
  ASSERT_EQ(ledgers.size(), 3u);
  for (const auto& l : ledgers) EXPECT_TRUE(l.balanced()) << l.stage;
  EXPECT_EQ(ledgers[0].dropped(), 1u);
  EXPECT_EQ(ledgers[1].in, 140u);
  EXPECT_EQ(ledgers[1].dropped(), 40u);
  EXPECT_EQ(ledgers[1].drops[0].first, "overload");
  EXPECT_EQ(ledgers[2].dropped(), 0u);
}

}  // namespace
}  // namespace netflowgen::serve
