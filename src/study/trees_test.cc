// Boosted trees as forecasters: what they see of a series and what they learn from it.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/stop.h"
#include "eval/forecast/forecast_baselines.h"
#include "eval/forecast/forecast_eval.h"
#include "eval/forecast/forecast_protocol.h"
#include "eval/testing.h"
#include "series/features.h"
#include "study/forecast_lags.h"
#include "study/forecast_trees.h"
#include "study/lagged.h"

namespace netflowgen::study {
namespace {

using Rows = std::vector<std::pair<int64_t, float>>;
constexpr int64_t kMinute = 60'000;

// One-minute steps [0, end) whose flows_in is `value(step)`.
template <typename Value>
Rows rows(int64_t end, const Value& value) {
  Rows r;
  for (int64_t s = 0; s < end; ++s) r.emplace_back(s, static_cast<float>(value(s)));
  return r;
}

eval::ForecastOptions options(int64_t train_to, int64_t test_to) {
  eval::ForecastOptions o;
  o.train = {0, train_to * kMinute};
  o.validation = {train_to * 3 / 4 * kMinute, train_to * kMinute};
  o.test = {train_to * kMinute, test_to * kMinute};
  o.horizons = {1, 4};
  o.features = {series::kFlowsIn};
  o.every_ms = kMinute;
  o.season_ms = 10 * kMinute;
  o.least_cells = 5;
  return o;
}

const base::StopFlag kGo;

series::FrameTable alternating(int64_t end, uint64_t seed) {
  base::Random random(seed);
  std::vector<std::pair<std::string, Rows>> nodes;
  for (int n = 0; n < 4; ++n) {
    const double level = 100 * std::pow(10, n);
    nodes.emplace_back("n" + std::to_string(n), rows(end, [&](int64_t s) {
                         return level * ((s % 2 == 0 ? 1.0 : 1.5) + 0.02 * random.normal());
                       }));
  }
  return eval::tiny_table(0, end, nodes);
}

// Noon UTC of a Sunday in January and one in July, and half past eleven at night of a Saturday.
TEST(Calendar, IsOfTheTableZone) {
  constexpr int64_t kWinter = 29'468'880;  // minutes: 2026-01-11T12:00Z
  constexpr int64_t kSummer = kWinter + 1440 * 182;
  constexpr int64_t kNight = kWinter - 750;
  auto t = eval::tiny_table(kNight, kSummer + 1, {{"a", {{kNight, 1}, {kWinter, 1}, {kSummer, 1}}}});
  t.timezone = "Europe/Berlin";
  const auto m = lagged_features(t);
  const auto minute = [&](size_t row) { return m.row(row)[m.columns.size() - 2]; };
  const auto weekday = [&](size_t row) { return m.row(row)[m.columns.size() - 1]; };
  EXPECT_EQ(minute(0), 30);
  EXPECT_EQ(weekday(0), 6) << "Sunday, half an hour old";
  EXPECT_EQ(minute(1), 13 * 60);
  EXPECT_EQ(minute(2), 14 * 60) << "daylight-saving time";
  EXPECT_EQ(weekday(2), 6);
  const ForecastLags lags(kMinute, 10, base::TimeZone::load("Europe/Berlin"));
  const LaggedSeries series(t, 0, series::kFlowsIn, 1);
  std::vector<float> out(lags.columns());
  lags.fill(series, nullptr, {}, {}, kSummer - 1, 1, 0, out.data());
  EXPECT_EQ(out[out.size() - 3], 14 * 60);
}

TEST(Trees, LearnFromLagsAndGiveQuantilesInOrder) {
  const auto t = alternating(1500, 3);
  auto o = options(1200, 1500);
  o.horizons = {1};
  eval::ForecastRunOptions run;
  run.protocol = o;
  TreeOptions small;
  small.rows = 4000;
  small.rounds = 40;
  small.threads = 1;
  std::vector<std::unique_ptr<eval::Forecaster>> methods;
  methods.push_back(eval::persistence_forecaster());
  methods.push_back(tree_forecaster(small));
  const auto r = eval::evaluate_forecast(t, {false, false, false, true}, run, methods, {}, nullptr, kGo, {});
  ASSERT_EQ(r.summaries.size(), 4u);
  for (size_t i = 0; i < 4; i += 2) {  // seen, unseen: noise is about 1/20 of the alternation
    EXPECT_LT(r.summaries[i + 1].absolute, 0.3 * r.summaries[i].absolute);
    EXPECT_LT(r.summaries[i + 1].quantile, r.summaries[i + 1].absolute);
  }
}

TEST(Trees, DoNotSeeTheFuture) {
  const auto t = alternating(1300, 4);
  auto changed = t;
  for (size_t row = 0; row < changed.rows(); ++row) {
    if (changed.steps[row] > 1250) changed.values[row * series::kFeatureCount + series::kFlowsIn] = 1e6f;
  }
  auto o = options(1200, 1300);
  const auto d = eval::prepare_forecast(t, {}, o);
  TreeOptions small;
  small.rows = 2000;
  small.rounds = 10;
  small.threads = 1;
  auto trees = tree_forecaster(small);
  trees->fit(d.task(), 1);
  const std::vector<eval::Origin> origins = {{0, 1250}, {2, 1249}};
  EXPECT_EQ(trees->predict(t, origins).quantiles, trees->predict(changed, origins).quantiles);
}

TEST(OwnUnits, RoundTrip) {
  const OwnUnits u{5, 0.7f, 20};
  for (const float y : {0.0f, 20.0f, 3000.0f, 5e6f})
    EXPECT_NEAR(u.value(u.standard(std::log1p(y / 20))), y, 1e-3 * (1 + y));
}

}  // namespace
}  // namespace netflowgen::study
