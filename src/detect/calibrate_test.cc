#include "detect/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace netflowgen::detect {
namespace {

const Timing kTiming{1, 3, 10, 0, 1440, 60};

// `nodes` nodes with `days` days of one-minute exponential noise.
ScoreTable noise(size_t nodes, int64_t days, uint64_t seed) {
  base::Random random(seed);
  ScoreTable t;
  for (size_t n = 0; n < nodes; ++n) {
    for (int64_t s = 0; s < days * 1440; ++s) {
      t.steps.push_back(s);
      t.scores.push_back(static_cast<float>(random.exponential(1)));
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

TEST(Calibrate, HoldsItsRatesOnFreshData) {
  const auto table = calibrate(noise(100, 10, 1), {}, 1000, kTiming);
  ASSERT_EQ(table.size(), std::size(kFalseAlarmRates));
  const auto fresh = noise(100, 10, 2);
  for (size_t i = 0; i < table.size(); ++i) {
    SCOPED_TRACE(table[i].false_alarms);
    EXPECT_LE(static_cast<double>(table[i].episodes), table[i].false_alarms * 1000 + 1e-6);
    if (i > 0) {
      EXPECT_GE(table[i].threshold, table[i - 1].threshold);
    }
    if (table[i].false_alarms < 0.1) continue;
    const auto t = threshold_for(table, table[i].false_alarms);
    const double rate = static_cast<double>(alerts_of(fresh, t, kTiming).size()) / 1000;
    EXPECT_NEAR(rate / table[i].false_alarms, 1, 0.35);
  }
  EXPECT_FALSE(table.back().extrapolated);  // 1000 node-days allow one
  EXPECT_TRUE(calibrate(noise(1, 10, 1), {}, 10, kTiming).back().extrapolated);
}

TEST(Calibrate, AttacksAreNotFalseAlarms) {
  auto scores = noise(1, 10, 3);
  std::vector<RowTruth> truth(scores.scores.size(), RowTruth::kBenign);
  for (size_t i = 5000; i < 5050; ++i) {
    scores.scores[i] = 100;
    truth[i] = i < 5025 ? RowTruth::kAttack : RowTruth::kIgnored;
  }
  const auto with = calibrate(scores, truth, 10, kTiming);
  const auto without = calibrate(scores, {}, 10, kTiming);
  EXPECT_LT(with.back().threshold, 50);
  EXPECT_GT(without.back().threshold, 99);
}

TEST(Calibrate, OffIsTheThresholdOfTenTimesTheRate) {
  const std::vector<CalibratedThreshold> table = {
      {10, 1, 0, false}, {1, 2, 0, false}, {0.1, 4, 0, false}, {0.01, 6, 0, false}};
  const auto t = threshold_for(table, 0.1);
  EXPECT_EQ(t.on, 4);
  EXPECT_EQ(t.off, 2);
  EXPECT_EQ(t.grades[0], 6);
  EXPECT_GT(t.grades[1], t.grades[0]);
  EXPECT_GT(t.grades[2], t.grades[1]);
  EXPECT_EQ(threshold_for(table, 0.5).on, 4);  // the largest rate not above it
  EXPECT_EQ(threshold_for(table, 10).off, 1);
  EXPECT_THROW(threshold_for(table, 0.001), base::Error);
  const auto own = threshold_at(table, 5);
  EXPECT_EQ(own.on, 5);
  EXPECT_EQ(own.off, 2);
  EXPECT_EQ(threshold_at(table, 0.5).off, 0.5f);
}

TEST(Calibrate, NothingToCalibrateOn) {
  ScoreTable empty;
  EXPECT_THROW(calibrate(empty, {}, 1, kTiming), base::Error);
  ScoreTable nan;
  nan.steps = {0};
  nan.scores = {NAN};
  nan.offsets = {0, 1};
  EXPECT_THROW(calibrate(nan, {}, 1, kTiming), base::Error);
}

TEST(Calibrate, AlertSpans) {
  ScoreTable t;
  t.steps = {0, 1, 2, 50, 51, 5};
  t.scores = {0, 6, 7, 8, 0, 9};
  t.offsets = {0, 5, 6};
  const auto alerts = alerts_of(t, {5, 5, {}}, kTiming);
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_EQ(alerts[0].start_step, 1);
  EXPECT_EQ(alerts[0].end_step, 3);
  EXPECT_EQ(alerts[0].peak, 7);
  EXPECT_EQ(alerts[1].raised_step, 50);
  EXPECT_EQ(alerts[1].end_step, 52);  // lasts to the end
  EXPECT_EQ(alerts[2].node, 1u);
}

TEST(Calibrate, AlertsLatchOnBands) {
  ScoreTable t;
  t.steps = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  t.scores = {0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  t.offsets = {0, 11};
  EXPECT_EQ(alerts_of(t, {5, 5, {}}, kTiming)[0].end_step, 2);
  t.bands.assign(11, Band::none());
  t.seen.resize(11);
  for (size_t i = 0; i < 11; ++i) {
    t.bands[i].upper[0] = i < 3 ? 1.0f : 9.0f;  // forecasts follow the flood
    t.seen[i].fill(0);
    t.seen[i][0] = i > 0 && i < 7 ? 5.0f : 0.5f;
  }
  const auto alerts = alerts_of(t, {5, 5, {}}, kTiming);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].end_step, 7);
  EXPECT_EQ(alerts[0].ups, (std::vector<std::pair<int64_t, int64_t>>{{1, 7}}));
}

TEST(Calibrate, ThresholdsStandBetweenScores) {
  ScoreTable t;
  for (int i = 0; i < 100; ++i) {
    t.steps.push_back(i * 100);
    t.scores.push_back(static_cast<float>(i));
  }
  t.offsets = {0, 100};
  const double rates[] = {10, 1};
  for (const auto& c : calibrate(t, {}, 1, kTiming, rates)) {
    EXPECT_NE(c.threshold, std::floor(c.threshold)) << c.false_alarms;
  }
}

}  // namespace
}  // namespace netflowgen::detect
