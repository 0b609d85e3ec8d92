#include "eval/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace netflowgen::eval {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(Ranking, PlainAveragePrecision) {
  // Ranks: 1 positive, 2 negative, 3 positive, 4 negative: (1/1 + 2/3) / 2.
  const Ranking r({{0.9f, 0, 0}, {0.8f, -1, 0}, {0.7f, 1, 0}, {0.6f, -1, 0}}, 2, false);
  EXPECT_NEAR(r.auprc(), (1.0 + 2.0 / 3.0) / 2, 1e-9);
  EXPECT_NEAR(r.auroc(), 3.0 / 4, 1e-9);  // of the 4 pairs one is the wrong way round
}

TEST(Ranking, EveryEventCountsTheSame) {
  // Event 0 has three rows, event 1 one. Positive rows / events = 2, so rows of event 0 weigh 2/3 each and
  // the row of event 1 weighs 2. From the top: event 0 three times (recall 1/2, precision 1), a benign row,
  // event 1: precision there (2 + 2) / (2 + 1 + 2).
  const std::vector<ScoredRow> rows = {{9, 0, 0}, {8, 0, 0}, {7, 0, 0}, {6, -1, 0}, {5, 1, 0}};
  EXPECT_NEAR(Ranking(rows, 2).auprc(), 0.5 * 1 + 0.5 * 4.0 / 5, 1e-6);
  EXPECT_NEAR(Ranking(rows, 2, false).auprc(), 0.75 * 1 + 0.25 * 4.0 / 5, 1e-6);
}

TEST(Ranking, AnEventWithoutARowIsMissed) {
  // Two events, one with a row on top of everything: recall stops at one half.
  EXPECT_NEAR(Ranking({{9, 0, 0}, {1, -1, 0}}, 2).auprc(), 0.5, 1e-9);
}

TEST(Ranking, TiesAreOnePoint) {
  const Ranking r({{1, 0, 0}, {1, -1, 0}, {1, -1, 0}, {1, -1, 0}}, 1);
  EXPECT_NEAR(r.auprc(), 0.25, 1e-9);
  EXPECT_NEAR(r.auroc(), 0.5, 1e-9);
}

TEST(Ranking, MissingScoresRankLast) {
  EXPECT_NEAR(Ranking({{kNaN, 0, 0}, {-5, -1, 0}}, 1).auprc(), 0.5, 1e-9);
  EXPECT_TRUE(std::isnan(Ranking({{1, -1, 0}}, 0).auprc()));
}

TEST(Ranking, DayWeightsAreRepetition) {
  // Counting day 1 twice equals writing its rows twice (event weights stay those of the full set).
  const Ranking once({{9, -1, 0}, {8, 0, 0}, {7, -1, 1}, {6, 1, 1}}, 2);
  const std::vector<uint32_t> weights = {1, 2};
  // hits: 1 at alarms 2 -> precision 1/2; then 2 benign, 2 hits: 3 of 6.
  EXPECT_NEAR(once.auprc(weights), (1.0 / 3) * 0.5 + (2.0 / 3) * 0.5, 1e-9);
  const std::vector<uint32_t> ones = {1, 1};
  EXPECT_NEAR(once.auprc(ones), once.auprc(), 1e-12);
}

TEST(Ranking, CurveEndsAreKept) {
  const Ranking r({{0.9f, 0, 0}, {0.8f, -1, 0}, {0.7f, 1, 0}, {0.6f, -1, 0}}, 2, false);
  const auto curve = r.curve(100);
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_NEAR(curve[0].precision, 1, 1e-9);
  EXPECT_NEAR(curve[2].recall, 1, 1e-9);
  EXPECT_NEAR(curve[2].precision, 2.0 / 3, 1e-6);
  EXPECT_FLOAT_EQ(curve[2].threshold, 0.7f);
}

TEST(ResampleDays, IntervalCoversTheMean) {
  // The mean of ten day values under resampling: standard error of the mean is known.
  std::vector<double> day(10);
  for (size_t i = 0; i < day.size(); ++i) day[i] = static_cast<double>(i);
  const auto mean = [&](std::span<const uint32_t> w) {
    double sum = 0;
    for (size_t i = 0; i < day.size(); ++i) sum += w[i] * day[i];
    return sum / 10;
  };
  const Interval i = resample_days(10, 4000, 1, mean);
  const double error = std::sqrt(8.25 / 10);
  EXPECT_NEAR(i.low, 4.5 - 1.96 * error, 0.1);
  EXPECT_NEAR(i.high, 4.5 + 1.96 * error, 0.1);
}

TEST(Summary, MeanDeviationAndQuantile) {
  const std::vector<double> v = {1, 3, std::nan("")};
  const auto m = mean_deviation(v);
  EXPECT_DOUBLE_EQ(m.mean, 2);
  EXPECT_DOUBLE_EQ(m.deviation, std::sqrt(2.0));
  EXPECT_EQ(m.count, 2u);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_DOUBLE_EQ(quantile({1, 2, inf}, 0.5), 2);
  EXPECT_EQ(quantile({1, inf, inf}, 0.5), inf);
}

TEST(KaplanMeier, ByHand) {
  // Found at 1; censored at 2; found at 3 (of 2 left); found at 4 (of 1 left).
  const auto curve = kaplan_meier({{3, true}, {1, true}, {2, false}, {4, true}});
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_DOUBLE_EQ(curve[0].survival, 0.75);
  EXPECT_DOUBLE_EQ(curve[1].survival, 0.375);
  EXPECT_DOUBLE_EQ(curve[2].survival, 0);
  EXPECT_DOUBLE_EQ(median_survival(curve), 3);
  EXPECT_TRUE(std::isinf(median_survival(kaplan_meier({{1, false}, {2, false}}))));
}

}  // namespace
}  // namespace netflowgen::eval
