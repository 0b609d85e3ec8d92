#include "eval/attacks/alarms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "eval/testing.h"

namespace netflowgen::eval {
namespace {

constexpr TimeMs kMinute = 60'000;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// One node active every minute 0..29 with 10 flows, 100 in the event's minutes 10..13; a second node with two
// rows. One day is 1440 minutes; the period here is 720, so two nodes make one node-day.
struct World {
  FrameTable table;
  Truth truth;
  std::vector<float> scores;

  World() {
    std::vector<std::pair<int64_t, float>> rows;
    for (int64_t m = 0; m < 30; ++m) rows.emplace_back(m, m >= 10 && m <= 13 ? 100.0f : 10.0f);
    table = tiny_table(0, 720, {{"a", rows}, {"b", {{5, 1.0f}, {600, 1.0f}}}});
    truth.table = &table;
    truth.period = {0, 720 * kMinute};
    truth.events = {{0, 10 * kMinute, 14 * kMinute, "syn", 0, false}};
    truth.rows.assign(table.rows(), Truth::kBenign);
    for (size_t r = 10; r <= 13; ++r) truth.rows[r] = 0;
    truth.merge_gap_ms = 3 * kMinute;
    truth.volume_feature = series::kFlowsIn;
    scores.assign(table.rows(), 0.0f);
  }
  // Alerts by the scores alone: at once, until the step after, merged up to 3 minutes apart.
  AlarmFigures judge() const {
    detect::ScoreTable table_scores;
    table_scores.offsets = table.offsets;
    table_scores.steps = table.steps;
    table_scores.scores = scores;
    detect::Timing timing;
    timing.end_steps = 1;
    timing.merge_steps = 2;
    return judge_alerts(truth, detect::alerts_of(table_scores, {1, 1, {}}, timing), 1);
  }
};

TEST(Alarms, SilenceFindsNothing) {
  const World w;
  const auto f = w.judge();
  EXPECT_EQ(f.episodes, 0u);
  EXPECT_DOUBLE_EQ(f.recall, 0);
  EXPECT_TRUE(std::isinf(f.median_delay_min));
  EXPECT_DOUBLE_EQ(f.restricted_delay_min, 4);  // a miss costs its duration
  EXPECT_DOUBLE_EQ(f.effectiveness, 0);
}

TEST(Alarms, DelayAndEffectivenessByHand) {
  World w;
  w.scores[12] = 1;  // third minute of the event
  const auto f = w.judge();
  EXPECT_DOUBLE_EQ(f.recall, 1);
  EXPECT_DOUBLE_EQ(f.detections[0].delay_min, 2);
  EXPECT_DOUBLE_EQ(f.median_delay_min, 2);
  EXPECT_DOUBLE_EQ(f.detections[0].effectiveness, 0.5);  // 200 of 400 flows
  EXPECT_EQ(f.false_episodes, 0u);
  EXPECT_DOUBLE_EQ(f.overhead, 0);
}

TEST(Alarms, RunsWithinTheGapAreOneEpisode) {
  World w;
  w.scores[17] = w.scores[20] = 1;  // 3 minutes apart: one
  w.scores[24] = 1;                 // 4 more: another
  auto f = w.judge();
  EXPECT_EQ(f.episodes, 2u);
  EXPECT_EQ(f.false_episodes, 2u);
  EXPECT_DOUBLE_EQ(f.false_per_node_day, 2);  // two nodes, half a day
  EXPECT_DOUBLE_EQ(f.overhead, (2 * 10 + 10) / 400.0);
  w.scores[31] = 1;  // the other node, at minute 600
  EXPECT_EQ(w.judge().false_episodes, 3u);
  w.scores[31] = kNaN;
  EXPECT_EQ(w.judge().false_episodes, 2u);
  w.truth.labelled_share = 0.5;
  EXPECT_DOUBLE_EQ(w.judge().false_per_node_day, 4);
}

TEST(Alarms, AnEpisodeThatReachesAnEventIsNotFalse) {
  World w;
  w.scores[8] = w.scores[11] = 1;  // begins before, three minutes apart
  auto f = w.judge();
  EXPECT_EQ(f.episodes, 1u);
  EXPECT_EQ(f.false_episodes, 0u);
  EXPECT_DOUBLE_EQ(f.detections[0].delay_min, 1);  // without lead the early alarm does not count
  EXPECT_DOUBLE_EQ(f.overhead, 10 / 400.0);        // minute 8 was diverted
  w.truth.lead_ms = 2 * kMinute;
  f = w.judge();
  EXPECT_DOUBLE_EQ(f.detections[0].delay_min, -2);
  EXPECT_DOUBLE_EQ(f.detections[0].effectiveness, 1);
  w.scores[11] = 0;  // the lead alone
  EXPECT_EQ(w.judge().false_episodes, 0u);
  EXPECT_DOUBLE_EQ(w.judge().recall, 1);
}

TEST(Alarms, IgnoredRowsAreNeither) {
  World w;
  w.scores[20] = 1;
  w.truth.rows[20] = Truth::kIgnored;
  const auto f = w.judge();
  EXPECT_EQ(f.episodes, 1u);
  EXPECT_EQ(f.false_episodes, 0u);
  EXPECT_DOUBLE_EQ(f.overhead, 0);
}

TEST(Alarms, OutsideThePeriodNothingCounts) {
  World w;
  w.scores[20] = 1;
  w.truth.period = {0, 15 * kMinute};
  EXPECT_EQ(w.judge().episodes, 0u);
}

TEST(Alarms, AnAlertThatIsStillUpFindsTheEventAtOnce) {
  World w;
  const detect::AlertSpan up{0, 5, 6, 12, 9, {{6, 12}}};
  const auto f = judge_alerts(w.truth, std::span(&up, 1), 1);
  EXPECT_DOUBLE_EQ(f.detections[0].delay_min, 0);
  EXPECT_EQ(f.false_episodes, 0u);
  const detect::AlertSpan other{1, 5, 6, 12, 9, {{6, 12}}};  // of another node
  EXPECT_DOUBLE_EQ(judge_alerts(w.truth, std::span(&other, 1), 1).recall, 0);
}

TEST(Alarms, LongFalseAlertsCountSeveralTimes) {
  World w;
  const detect::AlertSpan alert{1, 600, 600, 721, 9, {{600, 721}}};  // 121 minutes
  EXPECT_EQ(judge_alerts(w.truth, std::span(&alert, 1), 1).false_episodes, 3u);
}

TEST(OperatingCurve, ThresholdsFromTheTop) {
  World w;
  w.scores[12] = 5;  // the event
  w.scores[20] = 4;  // false
  w.scores[25] = 3;  // false
  w.scores[31] = kNaN;
  const auto curve = operating_curve(w.truth, w.scores, 50);
  ASSERT_GE(curve.size(), 3u);
  EXPECT_FLOAT_EQ(curve[0].threshold, 5);
  EXPECT_DOUBLE_EQ(curve[0].recall, 1);
  EXPECT_DOUBLE_EQ(curve[0].false_per_node_day, 0);
  EXPECT_DOUBLE_EQ(curve[2].false_per_node_day, 2);
  EXPECT_FLOAT_EQ(at_rate(curve, 1).threshold, 4);
  EXPECT_FLOAT_EQ(at_rate(curve, 0.5).threshold, 5);
  EXPECT_DOUBLE_EQ(at_rate(curve, 0.5).recall, 1);
  w.scores[2] = 9;  // now the highest score is a false alarm, so no threshold is good enough
  EXPECT_TRUE(std::isinf(at_rate(operating_curve(w.truth, w.scores, 50), 0.5).threshold));
}

}  // namespace
}  // namespace netflowgen::eval
