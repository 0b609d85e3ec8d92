// The forecast protocol, its figures and baselines, on cases worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <numbers>
#include <set>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "eval/forecast/forecast_baselines.h"
#include "eval/forecast/forecast_calibration.h"
#include "eval/forecast/forecast_eval.h"
#include "eval/forecast/forecast_protocol.h"
#include "eval/forecast/forecaster.h"
#include "eval/holdout.h"
#include "eval/labels.h"
#include "eval/metrics.h"
#include "eval/report/report.h"
#include "eval/results.h"
#include "eval/testing.h"

namespace netflowgen::eval {
namespace {

using Rows = std::vector<std::pair<int64_t, float>>;
constexpr int64_t kMinute = 60'000;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Period steps(int64_t from, int64_t to) { return {from * kMinute, to * kMinute}; }

// One-minute steps [0, end) whose flows_in is `value(step)`.
template <typename Value>
Rows rows(int64_t end, const Value& value) {
  Rows r;
  for (int64_t s = 0; s < end; ++s) r.emplace_back(s, static_cast<float>(value(s)));
  return r;
}

ForecastOptions options(int64_t train_to, int64_t test_to) {
  ForecastOptions o;
  o.train = steps(0, train_to);
  o.validation = steps(train_to * 3 / 4, train_to);
  o.test = steps(train_to, test_to);
  o.horizons = {1, 4};
  o.features = {series::kFlowsIn};
  o.every_ms = kMinute;
  o.season_ms = 10 * kMinute;
  o.least_cells = 5;
  return o;
}

const base::StopFlag kGo;

TEST(QuantileLoss, OfAPointIsItsAbsoluteError) {
  const std::vector<float> point(kQuantiles, 3.0f);
  EXPECT_NEAR(quantile_loss(point, 5), 2, 1e-12);
  EXPECT_NEAR(quantile_loss(point, 2.5), 0.5, 1e-12);
}

TEST(QuantileLoss, OfADistributionWorkedOutByHand) {
  const std::vector<float> q = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  // Below the truth 2 (.1 4 + .2 3 + .3 2 + .4 1) = 4, above it the same by symmetry, over nine levels.
  EXPECT_NEAR(quantile_loss(q, 5), 8.0 / 9, 1e-6);
}

TEST(SeasonalNaive, IsTheLatestValueWholeSeasonsBefore) {
  const auto t = tiny_table(0, 40, {{"a", rows(40, [](int64_t s) { return s + 1; })}});
  EXPECT_EQ(seasonal_naive(t, 0, series::kFlowsIn, 25, 24, 10), 16);  // step 15
  EXPECT_EQ(seasonal_naive(t, 0, series::kFlowsIn, 34, 24, 10), 25);  // exactly one season ahead: step 24
  EXPECT_EQ(seasonal_naive(t, 0, series::kFlowsIn, 35, 24, 10), 16);  // more than one: step 15
  EXPECT_TRUE(std::isnan(seasonal_naive(t, 0, series::kFlowsIn, 9, 8, 10)));
}

TEST(Origins, OneAnHourAtShiftingMinutes) {
  const auto s = origin_steps({0, 48 * 3'600'000}, 300'000, 3'600'000);
  ASSERT_EQ(s.size(), 48u);
  std::set<int64_t> minutes;
  for (size_t k = 0; k < s.size(); ++k) {
    EXPECT_EQ(s[k] / 12, static_cast<int64_t>(k));
    minutes.insert(s[k] % 12);
  }
  EXPECT_EQ(minutes.size(), 12u);
}

TEST(Protocol, PutsSeriesIntoGroupsAndLeavesUnknownTruthOut) {
  auto t = tiny_table(0, 100,
                      {{"active", rows(100, [](int64_t s) { return 5 + s % 3; })},
                       {"constant", rows(100, [](int64_t) { return 7; })},
                       {"zeros", rows(100, [](int64_t s) { return s % 4 == 0 ? 3 + s : 0; })},
                       {"late", {{98, 1.0f}}}});
  const size_t hole = t.lower_bound(0, 70);
  t.values[hole * series::kFeatureCount + series::kFlowsIn] = kNaN;
  const auto d = prepare_forecast(t, {}, options(60, 100));
  ASSERT_EQ(d.series.size(), 4u);
  EXPECT_EQ(d.series[0].group, SeriesGroup::kActive);
  EXPECT_EQ(d.series[1].group, SeriesGroup::kConstant);
  EXPECT_EQ(d.series[2].group, SeriesGroup::kMostlyZero);
  EXPECT_EQ(d.series[3].group, SeriesGroup::kShort);
  // 40 origins; the last has no truth one step ahead; unknown are step 70 itself and 80, whose season is 70.
  EXPECT_EQ(d.series[0].cells[0], 40u - 1 - 2);
  EXPECT_EQ(d.series[0].cells[1], 40u - 4 - 2);
}

TEST(Protocol, RefusesWhatCannotBeScored) {
  const auto t = tiny_table(0, 100, {{"a", rows(100, [](int64_t s) { return s; })}});
  auto o = options(60, 100);
  o.test = steps(200, 300);
  EXPECT_THROW(prepare_forecast(t, {}, o), base::Error);
  o = options(60, 100);
  o.test = steps(50, 100);
  EXPECT_THROW(prepare_forecast(t, {}, o), base::UsageError);
  auto missing = t;
  missing.missing[series::kFlowsIn] = true;
  EXPECT_THROW(prepare_forecast(missing, {}, options(60, 100)), base::Error);
  const auto idle = tiny_table(0, 100, {{"a", rows(50, [](int64_t s) { return s; })}});
  EXPECT_THROW(prepare_forecast(idle, {}, options(60, 100)), base::Error);
}

// Says the truth plus `bias`.
class Oracle : public Forecaster {
 public:
  Oracle(std::string name, float bias) : name_(std::move(name)), bias_(bias) {}
  std::string name() const override { return name_; }
  void fit(const ForecastTask& task, uint64_t) override { task_ = task; }
  Forecast predict(const FrameTable& t, std::span<const Origin> origins) override {
    Forecast out(origins.size(), task_.features.size(), task_.horizons.size());
    for (size_t i = 0; i < origins.size(); ++i) {
      for (size_t h = 0; h < task_.horizons.size(); ++h)
        out.set_point(
            out.at(i, 0, h),
            value_at(t, origins[i].node, origins[i].step + task_.horizons[h], series::kFlowsIn) + bias_);
    }
    return out;
  }

 private:
  std::string name_;
  float bias_;
  ForecastTask task_;
};

TEST(Evaluate, SharesAreOfSeasonalNaiveAndTheirMeanIsGeometric) {
  // Steps of 2 a season of 10: seasonal naive errs by 20 on `a`, by 5 on `b`.
  const auto t = tiny_table(0, 100,
                            {{"a", rows(100, [](int64_t s) { return 100 + 2 * s; })},
                             {"b", rows(100, [](int64_t s) { return 100 + 0.5 * static_cast<double>(s); })}});
  ForecastRunOptions run;
  run.protocol = options(60, 100);
  run.reference = "off by 1";
  std::vector<std::unique_ptr<Forecaster>> methods;
  methods.push_back(seasonal_naive_forecaster());
  methods.push_back(std::make_unique<Oracle>("off by 1", 1.0f));
  methods.push_back(std::make_unique<Oracle>("off by 2", 2.0f));
  methods.push_back(std::make_unique<Oracle>("exact", 0.0f));
  const auto r = evaluate_forecast(t, {false, false}, run, methods, {}, nullptr, kGo, {});
  ASSERT_EQ(r.summaries.size(), 8u);  // four methods, two horizons
  EXPECT_NEAR(r.summaries[0].absolute, 1, 1e-6);
  EXPECT_NEAR(r.summaries[0].quantile, 1, 1e-6);
  EXPECT_NEAR(r.summaries[1].absolute, std::sqrt(1.0 / 20 * 1 / 5), 1e-6);
  EXPECT_NEAR(r.summaries[1].mase, std::sqrt(1.0 / 20 * 1 / 5), 1e-6);
  EXPECT_EQ(r.summaries[1].much_worse, 0);
  EXPECT_EQ(r.summaries[2].much_worse, 1);
  EXPECT_NEAR(r.summaries[3].absolute, kLeastShare, 1e-9);
  const auto j = nlohmann::json::parse(forecast_json(r));
  EXPECT_EQ(j["series"].size(), 2u);
  EXPECT_NEAR(j["summaries"][1]["absolute_share"].get<double>(), 0.1, 1e-6);
  EXPECT_THAT(forecast_table(r), testing::HasSubstr("off by 2"));
  ReportInput report;
  report.forecast = &r;
  EXPECT_THAT(report_html(report), testing::HasSubstr("id=\"forecast\""));
}

TEST(Evaluate, SeenAndUnseenAreApart) {
  const auto t = tiny_table(0, 100,
                            {{"a", rows(100, [](int64_t s) { return 100 + 2 * s; })},
                             {"b", rows(100, [](int64_t s) { return 100 + s; })}});
  ForecastRunOptions run;
  run.protocol = options(60, 100);
  std::vector<std::unique_ptr<Forecaster>> methods;
  methods.push_back(std::make_unique<Oracle>("off by 1", 1.0f));
  const auto r = evaluate_forecast(t, {false, true}, run, methods, {}, nullptr, kGo, {});
  ASSERT_EQ(r.summaries.size(), 4u);
  EXPECT_NEAR(r.summaries[0].absolute, 1.0 / 20, 1e-6);
  EXPECT_FALSE(r.summaries[0].unseen);
  EXPECT_NEAR(r.summaries[2].absolute, 1.0 / 10, 1e-6);
  EXPECT_TRUE(r.summaries[2].unseen);
  EXPECT_EQ(r.data.task().nodes, std::vector<size_t>{0});
}

TEST(Evaluate, StopsWhenAsked) {
  const auto t = tiny_table(0, 100, {{"a", rows(100, [](int64_t s) { return 100 + 2 * s; })}});
  ForecastRunOptions run;
  run.protocol = options(60, 100);
  base::StopFlag stop;
  stop.request();
  std::vector<std::unique_ptr<Forecaster>> methods;
  methods.push_back(persistence_forecaster());
  EXPECT_THROW(evaluate_forecast(t, {}, run, methods, {}, nullptr, stop, {}), base::Stopped);
}

double median_of(Forecaster& f, const FrameTable& t, int64_t step, size_t h) {
  const std::vector<Origin> origins = {{0, step}};
  return double{f.predict(t, origins).median[h]};
}

TEST(Baselines, PersistenceEwmaAndHoltWinters) {
  // A level of 20 and a season of 10 steps.
  const auto season = [](int64_t s) {
    return std::round(20 + 12 * std::sin(2 * std::numbers::pi * static_cast<double>(s % 10) / 10));
  };
  const auto t = tiny_table(0, 200, {{"a", rows(200, season)}});
  ForecastData d = prepare_forecast(t, {}, options(150, 200));
  const auto task = d.task();
  auto persistence = persistence_forecaster();
  persistence->fit(task, 1);
  EXPECT_EQ(median_of(*persistence, t, 163, 1), season(163));
  auto winters = holt_winters_forecaster();
  winters->fit(task, 1);
  EXPECT_NEAR(median_of(*winters, t, 163, 0), season(164), 1.0);
  EXPECT_NEAR(median_of(*winters, t, 163, 1), season(167), 1.0);
  const auto flat = tiny_table(0, 200, {{"a", rows(200, [](int64_t s) { return s < 180 ? 7 : 30; })}});
  auto ewma = ewma_forecaster();
  ewma->fit(task, 1);
  EXPECT_NEAR(median_of(*ewma, flat, 179, 1), 7, 1e-3);
  const double after = median_of(*ewma, flat, 180, 1);
  EXPECT_GT(after, 7);
  EXPECT_LT(after, 30);
}

TEST(Baselines, NextStepFrequencies) {
  // 30 training steps of bin 1, then 10 of another: marginals with one added to each of three bins.
  const auto t = tiny_table(0, 60, {{"a", rows(60, [](int64_t s) { return s < 30 ? 5 : 50; })}});
  auto o = options(40, 60);
  const auto d = prepare_forecast(t, {}, o);
  Bins bins;
  bins.features = {series::kFlowsIn};
  bins.edges = {{10}};  // zero, (0, 10], above
  ASSERT_EQ(bins.count(0), 3u);
  EXPECT_EQ(bins.bin(0, 0), 0u);
  EXPECT_EQ(bins.bin(0, 10), 1u);
  EXPECT_EQ(bins.bin(0, 11), 2u);
  const std::vector<Origin> origins = {{0, 45}};
  auto majority = majority_predictor();
  majority->fit(d.task(), bins, 1);
  const auto m = majority->predict(t, bins, origins);
  EXPECT_EQ(m.likely[0], 1);
  EXPECT_NEAR(m.bits[0], -std::log2(11.0 / 43), 1e-5);
  auto persistence = persistence_predictor();
  persistence->fit(d.task(), bins, 1);
  const auto p = persistence->predict(t, bins, origins);
  EXPECT_EQ(p.likely[0], 2);
  // 40 training rows: the first step's predecessor is idle (0), one change at 30, so 38 of 40 stay; plus 1 of 2.
  const double stay = 39.0 / 42;
  EXPECT_NEAR(p.bits[0], -std::log2(stay + (1 - stay) * 11 / 43), 1e-5);
}

// Alternates around a level that differs between nodes; two steps back tells the next value.
TEST(Holdout, KeepsLookAlikesTogether) {
  base::Random random(5);
  std::vector<std::pair<std::string, Rows>> nodes;
  for (int n = 0; n < 20; ++n) {
    base::Random own(static_cast<uint64_t>(n / 2));  // pairs share their shape, not their level
    nodes.emplace_back("n" + std::to_string(10 + n), rows(1200, [&](int64_t s) {
                         static double burst = 1;
                         if (s % 60 == 0) burst = own.lognormal(0, 1.5);
                         return 50 * (1 + n % 2) * burst * random.lognormal(0, 0.05);
                       }));
  }
  const auto t = tiny_table(0, 1200, nodes);
  const HoldoutOptions o{steps(0, 1200), 0.3, 0.9, 7};
  const auto chosen = draw_holdout(t, o);
  size_t held = 0;
  for (size_t n = 0; n < 20; ++n) held += chosen[n] ? 1 : 0;
  EXPECT_EQ(held, 6u);
  for (size_t n = 0; n < 20; n += 2) EXPECT_EQ(chosen[n], chosen[n + 1]) << n;
  EXPECT_EQ(draw_holdout(t, o), chosen);
  HoldoutOptions other = o;
  other.seed = 8;
  EXPECT_NE(draw_holdout(t, other), chosen);
  const std::string path = testing::TempDir() + "/nfg_holdout_" + std::to_string(::getpid());
  base::write_file(path, "# unseen\n" + holdout_text(t, chosen));
  EXPECT_EQ(read_holdout(path, t), chosen);
  base::write_file(path, "n11\nnobody\n");
  EXPECT_THROW(read_holdout(path, t), base::Error);
  base::fs::remove(path);
}

// A method that says ten times the spread below and twice the spread above: each side is found by itself.
TEST(QuantileScale, FindsTheSpreadThatValidationHad) {
  base::Random random(4);
  const auto t =
      tiny_table(0, 2000, {{"a", rows(2000, [&](int64_t) { return 900 + 200 * random.uniform(); })}});
  auto o = options(400, 2000);
  o.horizons = {1};
  const auto data = prepare_forecast(t, {}, o);
  Forecast said(data.origins.size(), 1, 1);
  for (size_t i = 0; i < data.origins.size(); ++i) {
    said.set_point(i, 1000);
    for (size_t k = 0; k < kQuantiles; ++k) {
      const double spread = 200 * (kQuantileLevels[k] - 0.5);
      said.quantiles_at(i)[k] = static_cast<float>(1000 + (k < 4 ? 10 : 2) * spread);
    }
  }
  const QuantileScale scale(data, said);
  EXPECT_NEAR(scale.factor(0, 0, 0), 0.1, 1e-9);
  EXPECT_NEAR(scale.factor(0, 0, 8), 0.5, 1e-9);
  EXPECT_EQ(scale.factor(0, 0, 4), 1.0);
  scale.apply(said);
  EXPECT_NEAR(said.quantiles_at(0)[0], 920, 1e-3);
  EXPECT_NEAR(said.quantiles_at(0)[8], 1080, 1e-3);
  EXPECT_EQ(said.median[0], 1000);
}

// A value above all that the node had had by then is brought down to it; what lies below stays, later records change nothing.
TEST(BoundByHistory, KnowsNoMoreThanTheOrigin) {
  const auto t = tiny_table(0, 8,
                            {{"a", rows(8, [](int64_t s) { return s == 2   ? 50.0
                                                                  : s == 5 ? 90.0
                                                                           : 10.0; })},
                             {"b", rows(8, [](int64_t s) { return 1.0 + static_cast<double>(s); })}});
  const std::vector<Origin> origins = {{0, 1}, {0, 3}, {0, 5}, {1, 0}, {1, 6}};
  const std::vector<float> most = {10, 50, 90, 1, 7};
  const auto o = options(1, 8);
  Forecast said(origins.size(), 1, 1);
  for (size_t i = 0; i < origins.size(); ++i) {
    said.set_point(i, 0.5f);
    said.quantiles_at(i)[8] = 1000;
    said.mean[i] = 200;
  }
  bound_by_history(t, origins, o.features, said);
  for (size_t i = 0; i < origins.size(); ++i) {
    EXPECT_EQ(said.quantiles_at(i)[8], most[i]) << i;
    EXPECT_EQ(said.mean[i], most[i]);
    EXPECT_EQ(said.quantiles_at(i)[0], 0.5f);
    EXPECT_EQ(said.median[i], 0.5f);
  }
}

}  // namespace
}  // namespace netflowgen::eval
