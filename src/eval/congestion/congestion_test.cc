#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "eval/congestion/congestion.h"
#include "eval/congestion/congestion_eval.h"
#include "eval/congestion/probability_calibration.h"
#include "eval/congestion/threshold_history.h"
#include "eval/testing.h"

namespace netflowgen::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Quantiles of a value whose log(1 + x) is uniform between log(101) and log(1001).
std::vector<float> uniform_quantiles() {
  std::vector<float> q;
  for (const double level : kQuantileLevels)
    q.push_back(static_cast<float>(101 * std::pow(1001.0 / 101, level) - 1));
  return q;
}

TEST(Exceedance, IsOneLessTheLevelAtEachQuantile) {
  const auto q = uniform_quantiles();
  for (size_t i = 0; i < kQuantiles; ++i)
    EXPECT_NEAR(exceedance(q, double{q[i]}), 1 - kQuantileLevels[i], 1e-5);
  EXPECT_NEAR(exceedance(q, 101 * std::pow(1001.0 / 101, 0.37) - 1), 0.63, 1e-5);
}

TEST(Exceedance, FallsBeyondTheOuterQuantilesAndStaysAProbability) {
  const auto q = uniform_quantiles();
  double before = 1;
  for (double t = 0; t < 1e7; t = t * 1.3 + 1) {
    const double p = exceedance(q, t);
    EXPECT_LE(p, before);
    EXPECT_GE(p, 0);
    EXPECT_LE(p, 1);
    before = p;
  }
  EXPECT_NEAR(exceedance(q, 1000), 0.05, 1e-3);  // one spread beyond the outermost: half of a tenth
  EXPECT_GT(exceedance(q, 0), 0.99);
}

TEST(Exceedance, OfAnUnknownForecastIsUnknown) {
  auto q = uniform_quantiles();
  EXPECT_TRUE(std::isnan(exceedance(q, kUnknown)));
  q[3] = NAN;
  EXPECT_TRUE(std::isnan(exceedance(q, 10)));
  EXPECT_NEAR(exceedance(std::vector<float>(kQuantiles, 5.0f), 4), 1, 1e-6);  // one value without spread
  EXPECT_NEAR(exceedance(std::vector<float>(kQuantiles, 5.0f), 6), 0, 1e-6);
  EXPECT_NEAR(exceedance(std::vector<float>(kQuantiles, 0.0f), 1e9), 0,
              1e-6);  // an interface without traffic
}

FrameTable two_nodes() { return tiny_table(0, 10, {{"a", {{0, 1.0f}}}, {"b", {{0, 1.0f}}}}); }

std::string error_of(std::string_view text) {
  const auto table = two_nodes();
  try {
    parse_capacities(text, "links.csv", table);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Capacities, AreReadWithTheirSuffixes) {
  EXPECT_EQ(parse_capacity("10G"), 1e10);
  EXPECT_EQ(parse_capacity("2480000k"), 2.48e9);
  EXPECT_EQ(parse_capacity("100"), 100);
  for (const char* bad : {"", "0", "-1", "10X", "G", "10GB", "nan", "inf"})
    EXPECT_TRUE(std::isnan(parse_capacity(bad))) << bad;
  const auto table = two_nodes();
  const auto c = parse_capacities("node,capacity\nb,8k\nx,1G\nb,8000\n", "links.csv", table);
  EXPECT_TRUE(std::isnan(c.of[0]));
  EXPECT_EQ(c.of[1], 8000);
  EXPECT_EQ(c.unknown_nodes, 1u);
  const int features[] = {series::kBytesIn};
  EXPECT_EQ(share_of_capacity(table, c, 0.5, features)[1], 8000 * 0.5 / 8 * 60);  // bytes a minute
  const int packets[] = {series::kPacketsIn};
  EXPECT_THROW(share_of_capacity(table, c, 0.5, packets), base::UsageError);
}

TEST(Capacities, BadFilesAreErrorsThatSayWhere) {
  EXPECT_THAT(error_of("node,capacity\na,0\n"), HasSubstr("links.csv, line 2: the capacity of a is '0'"));
  EXPECT_THAT(error_of("node,capacity\na,1G\na,2G\n"), HasSubstr("line 3: a second capacity of a"));
  EXPECT_THAT(error_of("node,capacity\nx,1G\n"),
              HasSubstr("no node of the store has a capacity; not in the store: x on line 2"));
  EXPECT_THAT(error_of("node,speed\na,1G\n"), HasSubstr("the columns node and capacity; it is: node, speed"));
  EXPECT_THAT(error_of("node,capacity\na,10,5G\n"),
              HasSubstr("links.csv, line 2: 3 cells under 2 columns: a, 10, 5G"));
  EXPECT_THAT(error_of(""), HasSubstr("the file is empty"));
}

TEST(OwnQuantiles, CountIdleStepsAndLeaveOutWhatIsSilent) {
  const auto table =
      tiny_table(0, 10, {{"busy", {{0, 4}, {1, 3}, {2, 2}, {3, 1}, {9, 100}}}, {"silent", {}}});
  const int features[] = {series::kFlowsIn};
  const auto t = own_quantiles(table, {0, 9 * 60'000}, 0.75, features);
  EXPECT_EQ(t[0], 2);  // of 4, 3, 2, 1 and five zeros
  EXPECT_TRUE(std::isnan(t[1]));
}

TEST(ProbabilityCalibration, MendsWhatWasSaidTooLoud) {
  base::Random random(1);
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 20000; ++i) {
    const double truth = random.uniform(0.02, 0.98);
    const double odds = truth / (1 - truth);
    outcomes.push_back(
        {odds * odds / (1 + odds * odds), random.uniform(0.1, 0.9), random.chance(truth)});  // logit doubled
  }
  const ProbabilityCalibration c(outcomes);
  EXPECT_NEAR(c.weights()[1], 0.5, 0.03);
  EXPECT_NEAR(c.weights()[2], 0, 0.05);
  EXPECT_NEAR(c.apply(0.9, 0.5), 0.75, 0.03);
}

// Where what was said is mostly the contrary, full steps of Newton's method leap from one side to the other for ever.
TEST(ProbabilityCalibration, ConvergesFromFarAway) {
  base::Random random(2);
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 5000; ++i) {
    const bool low = random.chance(0.5);
    outcomes.push_back({low ? 1e-4 : 1 - 1e-4, low ? 0.9 : 0.1, low != random.chance(0.1)});
    outcomes.push_back({random.uniform(0.0, 1e-3), 1e-4, random.chance(0.02)});
  }
  const ProbabilityCalibration c(outcomes);
  EXPECT_NEAR(c.apply(1e-4, 0.9), 0.9, 0.03);
  EXPECT_NEAR(c.apply(1 - 1e-4, 0.1), 0.1, 0.03);
}

TEST(ProbabilityCalibration, WithoutOutcomesNothingChanges) {
  const ProbabilityCalibration c(std::span<const Outcome>{});
  EXPECT_NEAR(c.apply(0.3, 0.9), 0.3, 1e-9);
}

// A node that floods every fourth hour, all day, and one that is flat. Hours of ten steps of six minutes.
class CongestionEval : public testing::Test {
 protected:
  CongestionEval() {
    table = tiny_table(0, 0, {});
    table.step_ms = 360'000;
    table.end_step = 240 * 20;
    for (const char* name : {"burst", "flat", "silent"}) {
      table.nodes.emplace_back(name);
      for (int64_t s = 0; s < table.end_step && std::string(name) != "silent"; ++s) {
        std::vector<float> f(series::kFeatureCount, 0.0f);
        f[series::kBytesIn] = std::string(name) == "burst" && s / 10 % 4 == 3 ? 1000.0f : 10.0f;
        table.steps.push_back(s);
        table.values.insert(table.values.end(), f.begin(), f.end());
      }
      table.offsets.push_back(table.steps.size());
    }
    o.train = {0, day(12)};
    o.validation = {day(9), day(12)};
    o.test = {day(12), day(20)};
    o.features = {series::kBytesIn};
    o.horizons = o.leads = {1, 6};
    o.every_ms = 360'000;
    o.resamples = 50;
  }
  static base::TimeMs day(int d) { return d * 86'400'000; }

  FrameTable table;
  CongestionOptions o;
};

// Knows the future of "burst".
class Prophet : public Forecaster {
 public:
  explicit Prophet(bool shy) : shy_(shy) {}
  std::string name() const override { return "prophet"; }
  void fit(const ForecastTask& task, uint64_t) override { task_ = task; }
  Forecast predict(const FrameTable& table, std::span<const Origin> origins) override {
    Forecast out(origins.size(), task_.features.size(), task_.horizons.size());
    for (size_t i = 0; i < origins.size(); ++i) {
      for (size_t h = 0; h < task_.horizons.size(); ++h) {
        const float v =
            value_at(table, origins[i].node, origins[i].step + task_.horizons[h], task_.features[0]);
        const size_t cell = out.at(i, 0, h);
        out.set_point(cell, std::isnan(v) ? 0 : v);
        for (size_t q = 0; shy_ && q < kQuantiles; ++q)  // half of the odds lie elsewhere
          out.quantiles_at(cell)[q] = q < 5 ? 10.0f : std::max(10.0f, v);
      }
    }
    return out;
  }

 private:
  bool shy_;
  ForecastTask task_;
};

TEST_F(CongestionEval, KnowsTheFutureBetterThanTheBaselines) {
  std::vector<std::unique_ptr<Forecaster>> forecasters;
  forecasters.push_back(std::make_unique<Prophet>(false));
  const auto r = evaluate_congestion(table, {500, 500, 500}, o, forecasters, {}, {});
  EXPECT_EQ(r.series, 3u);
  EXPECT_EQ(r.silent, 1u);                  // it is scored nowhere: it has no origin
  EXPECT_EQ(r.cells[0], 2u * 240 * 8 - 2);  // of both nodes all steps but the last
  EXPECT_NEAR(r.base_rate[0], 0.125, 0.001);
  EXPECT_NEAR(r.base_rate[1], 0.1875, 0.001);  // ten steps of forty, and the five before them
  for (const auto& s : r.summaries) {
    if (s.method == "prophet" && s.horizon == 0) {
      EXPECT_NEAR(s.skill, 1, 1e-6);
      EXPECT_NEAR(s.skill_interval.low, 1, 1e-6);
    }
    if (s.method == "persistence" && s.horizon == 0) {
      EXPECT_NEAR(s.brier, 2.0 / 40 / 2, 0.001);  // both edges of a burst
    }
    if (s.method == "climatology" && s.horizon == 0) {
      EXPECT_NEAR(s.brier, 0.25 * 0.75 / 2, 0.001);
    }
    if (s.method == "climatology by hour" && s.horizon == 0) {
      EXPECT_LT(s.brier, 0.04);
    }
  }
  EXPECT_THAT(congestion_table(r, table), HasSubstr("3 series with a threshold, 1 of them without traffic"));
}

TEST_F(CongestionEval, CalibrationMendsAShyForecast) {
  std::vector<std::unique_ptr<Forecaster>> forecasters;
  forecasters.push_back(std::make_unique<Prophet>(true));
  const auto r = evaluate_congestion(table, {500, 500, 500}, o, forecasters, {}, {});
  double before = 0;
  double after = 0;
  for (const auto& s : r.summaries) {
    if (s.method == "prophet" && s.horizon == 0) before = s.brier;
    if (s.method == "prophet, calibrated" && s.horizon == 0) after = s.brier;
  }
  EXPECT_GT(before, 0.01);
  EXPECT_LT(after, before / 4);
}

TEST_F(CongestionEval, FittingGivesWhatTheEvaluationCalibratesWith) {
  Prophet prophet(true);
  o.train = {0, day(9)};  // history; outcomes of the three days after it
  const auto fitted = fit_congestion(table, {500, 500, 500}, o, prophet);
  ASSERT_EQ(fitted.horizons.size(), 2u);
  // Half of the odds are enough to know that the threshold will be passed.
  EXPECT_GT(fitted.horizons[0].calibration.apply(0.5, 0.2), 0.9);
  EXPECT_LT(fitted.horizons[0].calibration.apply(1e-4, 0.2), 0.05);

  const auto again = CongestionCalibration::from_json(fitted.to_json(), "congestion.json");
  EXPECT_EQ(again.step_ms, 360'000);
  EXPECT_EQ(again.to_json(), fitted.to_json());
  EXPECT_EQ(again.horizons[1].steps, 6);
  EXPECT_EQ(again.horizons[1].calibration.weights(), fitted.horizons[1].calibration.weights());

  o.validation = {day(30), day(31)};
  EXPECT_THROW(fit_congestion(table, {500, 500, 500}, o, prophet), base::Error);
}

TEST(CongestionFile, DamagedOnesAreRefused) {
  const auto refused = [](std::string_view text, const char* why) {
    try {
      CongestionCalibration::from_json(text, "congestion.json");
      ADD_FAILURE() << text;
    } catch (const base::Error& e) {
      EXPECT_THAT(e.what(), HasSubstr(why));
    }
  };
  refused("{", "congestion.json is damaged: it is not JSON");
  refused(R"({"format":2,"step_ms":1,"horizons":[]})", "format 2 is newer");
  refused(R"({"format":1,"step_ms":1,"horizons":[]})", "expected 1 to");
  refused(R"({"format":1,"step_ms":1,"horizons":[{"steps":1,"weights":[0,1]}]})", "three weights");
  refused(
      R"({"format":1,"step_ms":1,"horizons":[{"steps":2,"weights":[0,1,0]},{"steps":1,"weights":[0,1,0]}]})",
      "more steps than the one before");
  refused(R"({"format":1,"horizons":[]})", "'step_ms' is missing");
}

TEST(ThresholdHistory, CountsWhatFollowed) {
  // flows_in 1 at every step but a 9 at steps 3 and 4, of ten.
  std::vector<std::pair<int64_t, float>> rows;
  for (int64_t s = 0; s < 10; ++s) rows.emplace_back(s, s == 3 || s == 4 ? 9.0f : 1.0f);
  const auto table = tiny_table(0, 10, {{"a", rows}});
  const auto series = threshold_series(table, 0, series::kFlowsIn, 5);
  const ThresholdHistory one(table, series, 0, 10, 1);
  EXPECT_NEAR(one.climatology(), 2.0 / 9, 1e-9);  // before the second and the third
  // Of seven steps that were below one passed, of two that were above one; with five steps' worth of the climatology.
  EXPECT_NEAR(one.from(false), (1 + 5 * 2.0 / 9) / 12, 1e-9);
  EXPECT_NEAR(one.from(true), (1 + 5 * 2.0 / 9) / 7, 1e-9);
  // From 1 only the rise by log(10 / 2) passes 5; from 9 staying is enough.
  EXPECT_NEAR(one.walk(series, std::log1p(1.0f)), (1 + 5 * 2.0 / 9) / 14, 1e-9);
  EXPECT_NEAR(one.walk(series, std::log1p(9.0f)), (8 + 5 * 2.0 / 9) / 14, 1e-9);
  const ThresholdHistory three(table, series, 0, 10, 3);
  EXPECT_NEAR(three.climatology(), 4.0 / 7, 1e-9);
}

TEST_F(CongestionEval, WithoutThresholdOrTrafficItSaysSo) {
  EXPECT_THROW(evaluate_congestion(table, {kUnknown, kUnknown, kUnknown}, o, {}, {}, {}), base::Error);
  EXPECT_THROW(evaluate_congestion(table, {kUnknown, kUnknown, 5}, o, {}, {}, {}), base::Error);
  o.test.from_ms = day(3);
  EXPECT_THROW(evaluate_congestion(table, {500, 500, 500}, o, {}, {}, {}), base::UsageError);
}

TEST_F(CongestionEval, WhatIsNotDefinedIsNoNumber) {
  for (const double threshold : {1e18, 1e-9}) {
    const auto r = evaluate_congestion(table, {threshold, kUnknown, kUnknown}, o, {}, {}, {});
    const auto text = congestion_table(r, table);
    EXPECT_THAT(text, HasSubstr(threshold > 1 ? "no cell is an event" : "every cell is an event"));
    EXPECT_THAT(text, testing::Not(HasSubstr("nan")));
    EXPECT_THAT(congestion_json(r, table), HasSubstr("\"skill\": null"));
  }
}

TEST_F(CongestionEval, AMissingStepIsUnknownUnlessAnotherPassed) {
  const size_t row = table.lower_bound(0, 240 * 15);  // day 15, step 0: the burst's quiet time
  table.values[row * series::kFeatureCount + series::kBytesIn] = NAN;
  const auto r = evaluate_congestion(table, {500, 500, 500}, o, {}, {}, {});
  EXPECT_EQ(r.cells[0], 2u * 240 * 8 - 3);
  // From the step before it nothing else is seen to pass; from those before that the burst before it is. The archive ends with a
  // burst, so that only the flat node loses its last six.
  EXPECT_EQ(r.cells[1], 240u * 8 - 1 + 240 * 8 - 6 - 1);
}

}  // namespace
}  // namespace netflowgen::eval
