// Alerts of steps that are still open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/testing.h"

namespace netflowgen::detect {
namespace {

using ::testing::ElementsAre;

TEST(Early, IsTheSameAlertWhenItsStepEnds) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "7", "9");
  EXPECT_THAT(w.events(), ElementsAre("a raised 2"));  // at 2 min 65 s: in the open step 3
  ASSERT_EQ(w.alerts.size(), 1u);
  const Alert early = w.alerts[0];
  EXPECT_TRUE(early.early);
  EXPECT_EQ(early.raised_ms, 3 * 60'000 + 5000);
  w.foresee("a", "7", "9");  // the next tick: not twice
  EXPECT_EQ(w.alerts.size(), 1u);
  w.run({{"a", "7"}}, "9");
  ASSERT_EQ(w.alerts.size(), 2u);
  EXPECT_EQ(name_of(w.alerts[1].event), "updated");
  EXPECT_EQ(w.alerts[1].id, early.id);
  EXPECT_EQ(w.alerts[1].raised_ms, early.raised_ms);
  EXPECT_EQ(w.alerts[1].peak, 7);
  EXPECT_EQ(w.detector().alerts_ledger().in, 1u);
  World late;
  late.run({{"a", "1117"}}, "1119");
  ASSERT_EQ(late.alerts.size(), 1u);
  EXPECT_EQ(late.alerts[0].id, early.id) << "the id is that of an alert without a look ahead";
}

TEST(Early, EndsWhenItsStepDoesNotRaiseIt) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "7", "9").run({{"a", "1"}});
  EXPECT_THAT(w.events(), ElementsAre("a raised 2", "a ended 3"));
  EXPECT_EQ(w.alerts[1].end_ms, 4 * 60'000);
  EXPECT_EQ(w.detector().open_alerts(), 0u);
  w.run({{"a", "17111"}}, "19111");
  EXPECT_EQ(w.alerts[2].event, AlertEvent::kRaised);
  EXPECT_NE(w.alerts[2].id, w.alerts[0].id);
}

TEST(Early, NeedsAVolumeAboveTheBandAndAKnownNode) {
  World w;
  w.run({{"a", "111"}})
      .foresee("a", "8", "1")
      .foresee("b", "8", "9")
      .foresee("a", "4", "9")
      .foresee("a", "n", "9");
  EXPECT_TRUE(w.alerts.empty());
}

TEST(Early, LooksThroughSeveralOpenSteps) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "117", "119");
  ASSERT_EQ(w.alerts.size(), 1u);
  w.run({{"a", "11"}});
  EXPECT_EQ(w.alerts.size(), 1u) << "its step is still open";
  w.run({{"a", "7"}}, "9");
  ASSERT_EQ(w.alerts.size(), 2u);
  EXPECT_EQ(w.alerts[1].id, w.alerts[0].id);
  EXPECT_EQ(name_of(w.alerts[1].event), "updated");
}

// The first flows of a step tell nothing of what the one before was.
TEST(Early, AStepThatHasJustBegunMakesABackupNoAttack) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "7", "b", 50'000).foresee("a", "78", "bt", 60'500);
  EXPECT_TRUE(w.alerts.empty());
  w.foresee("a", "78", "b9", 65'000);
  EXPECT_THAT(w.events(), ElementsAre("a raised 3"));
  EXPECT_GE(w.alerts[0].severity, Severity::kHigh) << "a flood beside it is one";
}

TEST(Early, IsNotRaisedWhileTheAlertIsUp) {
  World w;
  w.run({{"a", "1116"}}, "1119").foresee("a", "6", "9");
  EXPECT_EQ(w.alerts.size(), 1u);
}

TEST(Early, BecomesMoreSevereAtALaterTick) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "7", "9", 5000).foresee("a", "7", "9", 10'000);
  ASSERT_EQ(w.alerts.size(), 1u);
  EXPECT_EQ(w.alerts[0].severity, Severity::kMedium);
  w.foresee("a", "8", "9", 15'000).foresee("a", "8", "9", 20'000);
  ASSERT_EQ(w.alerts.size(), 2u) << "once for each severity";
  const Alert& more = w.alerts[1];
  EXPECT_EQ(more.event, AlertEvent::kEscalated);
  EXPECT_EQ(more.id, w.alerts[0].id);
  EXPECT_EQ(more.severity, Severity::kHigh);
  EXPECT_EQ(more.peak, 8);
  EXPECT_EQ(more.raised_ms, 3 * 60'000 + 5000);
  EXPECT_EQ(more.event_ms, 3 * 60'000 + 15'000);
  w.run({{"a", "8"}}, "9");
  ASSERT_EQ(w.alerts.size(), 3u);
  EXPECT_EQ(w.alerts[2].event, AlertEvent::kUpdated);
  EXPECT_EQ(w.alerts[2].severity, Severity::kHigh);
  EXPECT_EQ(w.detector().alerts_ledger().in, 1u);
}

TEST(Early, AnAlertThatIsUpBecomesMoreSevereAtATick) {
  World w;
  w.run({{"a", "1116"}}, "1119");
  ASSERT_EQ(w.alerts.size(), 1u);
  w.foresee("a", "8", "1");
  EXPECT_EQ(w.alerts.size(), 1u) << "nothing is above its band";
  w.foresee("a", "8", "9", 5000).foresee("a", "8", "9", 10'000);
  ASSERT_EQ(w.alerts.size(), 2u);
  EXPECT_EQ(w.alerts[1].event, AlertEvent::kEscalated);
  EXPECT_EQ(w.alerts[1].severity, Severity::kHigh);
  EXPECT_EQ(w.alerts[1].event_ms, 4 * 60'000 + 5000);
  w.run({{"a", "8"}}, "9");
  EXPECT_EQ(w.alerts.size(), 2u) << "the end of the step tells nothing new";
  w.run({{"a", "111"}});
  ASSERT_EQ(w.alerts.size(), 3u);
  EXPECT_EQ(w.alerts[2].event, AlertEvent::kEnded);
  EXPECT_GT(w.alerts[2].event_ms, w.alerts[1].event_ms);
}

TEST(Early, ALowOneWaitsForTheEndOfItsStep) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "6", "9");
  EXPECT_TRUE(w.alerts.empty());
  w.run({{"a", "6"}}, "9");
  ASSERT_EQ(w.alerts.size(), 1u);
  EXPECT_EQ(w.alerts[0].severity, Severity::kLow);
  EXPECT_FALSE(w.alerts[0].early);
  w.run({{"a", "111"}}).foresee("a", "6", "9");
  EXPECT_EQ(w.alerts.size(), 2u) << "nor is it resumed early";
  World fixed("defaults: {learning: 0s, severity: low}");
  fixed.run({{"a", "111"}}).foresee("a", "6", "9");
  EXPECT_EQ(fixed.alerts.size(), 1u) << "where the policy says the severity, it tells nothing of strength";
}

TEST(Early, TheWorstOpenStepTellsTheSeverity) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "68", "99");
  ASSERT_EQ(w.alerts.size(), 1u);
  EXPECT_EQ(w.alerts[0].severity, Severity::kHigh);
  World late;
  late.run({{"a", "1116"}}, "1119");
  EXPECT_EQ(w.alerts[0].id, late.alerts[0].id) << "the id is that of the step that raises it";
}

TEST(Early, WhatLearningSuppressedIsRaisedWhenItBecomesMoreSevere) {
  World w("defaults: {learning: 5m}");
  w.run({{"a", "11166"}}, "11199");
  ASSERT_EQ(w.alerts.size(), 1u);
  EXPECT_EQ(w.alerts[0].suppressed, Suppression::kLearning);
  w.foresee("a", "8", "9");
  ASSERT_EQ(w.alerts.size(), 2u);
  EXPECT_EQ(w.alerts[1].event, AlertEvent::kRaised);
  EXPECT_TRUE(w.alerts[1].sent());
  w.run({{"a", "8"}}, "9");
  EXPECT_EQ(w.alerts.size(), 2u) << "not twice";
  const auto ledger = w.detector().alerts_ledger();
  EXPECT_EQ(ledger.in, 2u);
  EXPECT_EQ(ledger.out, 1u);
}

TEST(Early, ResumedAlertsComeWithTheSeverityOfTheNewAttack) {
  World w;
  w.run({{"a", "111611"}}, "111911");
  ASSERT_EQ(w.alerts.size(), 2u);
  w.foresee("a", "8", "9");
  ASSERT_EQ(w.alerts.size(), 3u);
  EXPECT_EQ(w.alerts[2].event, AlertEvent::kResumed);
  EXPECT_EQ(w.alerts[2].severity, Severity::kHigh);
  w.run({{"a", "8"}}, "9");
  ASSERT_EQ(w.alerts.size(), 4u);
  EXPECT_EQ(w.alerts[3].event, AlertEvent::kUpdated);
  EXPECT_EQ(w.alerts[3].severity, Severity::kHigh);
}

}  // namespace
}  // namespace netflowgen::detect
