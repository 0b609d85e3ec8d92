// Alerts of steps that are still open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detect/testing.h"

namespace netflowgen::detect {
namespace {

using ::testing::ElementsAre;

TEST(Early, IsTheSameAlertWhenItsStepEnds) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "6", "9");
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
  w.run({{"a", "111"}}).foresee("a", "6", "9").run({{"a", "1"}});
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
      .foresee("a", "6", "1")
      .foresee("b", "6", "9")
      .foresee("a", "4", "9")
      .foresee("a", "n", "9");
  EXPECT_TRUE(w.alerts.empty());
}

TEST(Early, LooksThroughSeveralOpenSteps) {
  World w;
  w.run({{"a", "111"}}).foresee("a", "116", "119");
  ASSERT_EQ(w.alerts.size(), 1u);
  w.run({{"a", "11"}});
  EXPECT_EQ(w.alerts.size(), 1u) << "its step is still open";
  w.run({{"a", "6"}}, "9");
  ASSERT_EQ(w.alerts.size(), 2u);
  EXPECT_EQ(w.alerts[1].id, w.alerts[0].id);
  EXPECT_EQ(name_of(w.alerts[1].event), "updated");
}

TEST(Early, IsNotRaisedWhileTheAlertIsUp) {
  World w;
  w.run({{"a", "1116"}}, "1119").foresee("a", "8", "9");
  EXPECT_EQ(w.alerts.size(), 1u);
}

}  // namespace
}  // namespace netflowgen::detect
