#include "eval/congestion/congestion_eval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "eval/congestion/congestion_cells.h"
#include "eval/congestion/probability_calibration.h"

namespace netflowgen::eval {
namespace {

ProbabilityCalibration calibration_of(const CongestionSide& side, std::span<const double> said, size_t h) {
  std::vector<Outcome> outcomes;
  for (size_t n = 0; n < said.size(); ++n) {
    const CongestionCell& c = side.cells[n];
    if (c.horizon == h) outcomes.push_back({said[n], c.said[kWalk], c.event});
  }
  return ProbabilityCalibration(outcomes);
}

std::vector<double> calibrated(const CongestionSide& validation, std::span<const double> before,
                               const CongestionSide& test, std::span<const double> said, size_t horizons) {
  std::vector<double> out(said.begin(), said.end());
  for (size_t h = 0; h < horizons; ++h) {
    const auto calibration = calibration_of(validation, before, h);
    for (size_t n = 0; n < out.size(); ++n) {
      const CongestionCell& c = test.cells[n];
      if (c.horizon == h) out[n] = calibration.apply(said[n], c.said[kWalk]);
    }
  }
  return out;
}

ForecastTask task_of(const FrameTable& table, const CongestionOptions& o) {
  ForecastTask task{&table,
                    o.train,
                    o.validation,
                    {},
                    o.features,
                    o.leads,
                    std::max<int64_t>(1, o.season_ms / table.step_ms)};
  for (size_t n = 0; n < table.nodes.size(); ++n) task.nodes.push_back(n);
  return task;
}

// A forecaster's probability of each cell: that of the lead, up to the horizon, at which passing is most likely. NaN, which the
// protocol does not have for a known origin, is climatology.
std::vector<double> said_of(Forecaster& forecaster, const FrameTable& table, const CongestionSide& side,
                            const CongestionOptions& o) {
  if (side.origins.empty()) return {};
  const Forecast forecast = forecaster.predict(table, side.origins);
  std::vector<double> said;
  for (const CongestionCell& c : side.cells) {
    double most = -1;
    for (size_t l = 0; l < o.leads.size() && o.leads[l] <= o.horizons[c.horizon]; ++l) {
      const double p = exceedance(forecast.quantiles_at(forecast.at(c.origin, c.feature, l)), c.threshold);
      if (p > most) most = p;
    }
    said.push_back(most < 0 ? c.said[kClimatology] : most);
  }
  return said;
}

// Sums of one method and horizon by day.
struct DaySums {
  std::vector<double> errors;
  std::vector<double> cells;
};

class Scores {
 public:
  Scores(const CongestionSide& side, const FrameTable& table, const CongestionOptions& o)
      : side_(side), o_(o) {
    first_day_ = o.test.from_ms / 86'400'000;
    for (const auto& origin : side.origins) {
      day_.push_back(static_cast<size_t>(origin.step * table.step_ms / 86'400'000 - first_day_));
      days_ = std::max(days_, day_.back() + 1);
    }
  }

  DaySums sums(std::span<const double> said, size_t h) const {
    DaySums s{std::vector<double>(days_), std::vector<double>(days_)};
    for (size_t n = 0; n < said.size(); ++n) {
      const CongestionCell& c = side_.cells[n];
      if (c.horizon != h) continue;
      const double e = said[n] - (c.event ? 1 : 0);
      s.errors[day_[c.origin]] += e * e;
      s.cells[day_[c.origin]] += 1;
    }
    return s;
  }

  static double brier(const DaySums& s, std::span<const uint32_t> weights = {}) {
    double errors = 0;
    double cells = 0;
    for (size_t d = 0; d < s.errors.size(); ++d) {
      const double w = weights.empty() ? 1 : weights[d];
      errors += w * s.errors[d];
      cells += w * s.cells[d];
    }
    return errors / cells;
  }

  CongestionSummary summary(const std::string& method, std::span<const double> said, size_t h,
                            const DaySums& reference) const {
    const DaySums own = sums(said, h);
    CongestionSummary s{method, h, brier(own), 0, {}, 0, 0};
    const auto skill = [&](std::span<const uint32_t> weights) {
      return 1 - brier(own, weights) / brier(reference, weights);
    };
    s.skill = skill({});
    s.skill_interval = resample_days(days_, o_.resamples, o_.seed, skill);
    std::vector<ScoredRow> rows;
    for (size_t n = 0; n < said.size(); ++n) {
      if (side_.cells[n].horizon != h) continue;
      s.mean += said[n];
      rows.push_back({static_cast<float>(said[n]), side_.cells[n].event ? 0 : -1, 0});
    }
    s.mean /= static_cast<double>(std::max<size_t>(rows.size(), 1));
    s.auroc = Ranking(std::move(rows), 1, false).auroc();
    return s;
  }

 private:
  const CongestionSide& side_;
  const CongestionOptions& o_;
  int64_t first_day_ = 0;
  size_t days_ = 0;
  std::vector<size_t> day_;  // [origins]
};

using Opinion =
    std::pair<std::string, std::vector<double>>;  // a method and its probability of each test cell

std::vector<Opinion> plain_opinions(const CongestionSide& test) {
  std::vector<Opinion> all;
  for (size_t b = 0; b < kBaselines; ++b) {
    std::vector<double> said;
    for (const CongestionCell& c : test.cells) said.push_back(c.said[b]);
    all.emplace_back(kBaselineNames[b], std::move(said));
  }
  return all;
}

void check(const FrameTable& table, const CongestionCells& cells, const CongestionOptions& o) {
  if (o.test.from_ms < o.train.to_ms)
    throw base::UsageError("the test period must not begin before the training period ends");
  if (cells.series == 0)
    throw base::Error("no series has a threshold: none of the {} nodes takes part", table.nodes.size());
  if (!cells.test.cells.empty()) return;
  throw base::Error(
      "none of the {} series with a threshold has traffic at an origin of the test period {} to {}",
      cells.series, base::format_time(o.test.from_ms), base::format_time(o.test.to_ms));
}

void summarise(const std::vector<Opinion>& opinions, const CongestionSide& test, const FrameTable& table,
               CongestionResult& r) {
  const Scores scores(test, table, r.options);
  for (size_t h = 0; h < r.options.horizons.size(); ++h) {
    double events = 0;
    r.cells.push_back(0);
    for (const CongestionCell& c : test.cells) {
      r.cells[h] += c.horizon == h ? 1 : 0;
      events += c.horizon == h && c.event ? 1 : 0;
    }
    r.base_rate.push_back(events / static_cast<double>(std::max<size_t>(r.cells[h], 1)));
    size_t best = 0;
    for (size_t b = 1; b < kBaselines; ++b) {
      if (Scores::brier(scores.sums(opinions[b].second, h)) <
          Scores::brier(scores.sums(opinions[best].second, h)))
        best = b;
    }
    r.best.emplace_back(opinions[best].first);
    const DaySums reference = scores.sums(opinions[best].second, h);
    for (const auto& [method, said] : opinions)
      r.summaries.push_back(scores.summary(method, said, h, reference));
  }
}

}  // namespace

CongestionResult evaluate_congestion(const FrameTable& table, const Thresholds& thresholds,
                                     const CongestionOptions& options,
                                     const std::vector<std::unique_ptr<Forecaster>>& forecasters,
                                     const base::StopFlag& stop, const base::ProgressFn& progress) {
  const CongestionCells cells(table, thresholds, options);
  check(table, cells, options);
  CongestionResult r{options, cells.series, cells.silent, cells.without, {}, {}, {}, {}};
  const ForecastTask task = task_of(table, options);
  auto opinions = plain_opinions(cells.test);
  for (size_t i = 0; i < forecasters.size(); ++i) {
    if (stop.requested())
      throw base::Stopped("stopped; the evaluation is not complete and nothing was written");
    if (progress) progress({"methods", i, forecasters.size(), forecasters[i]->name()});
    forecasters[i]->fit(task, options.seed);
    const auto before = said_of(*forecasters[i], table, cells.validation, options);
    auto said = said_of(*forecasters[i], table, cells.test, options);
    auto after = calibrated(cells.validation, before, cells.test, said, options.horizons.size());
    opinions.emplace_back(forecasters[i]->name(), std::move(said));
    opinions.emplace_back(forecasters[i]->name() + ", calibrated", std::move(after));
  }
  summarise(opinions, cells.test, table, r);
  return r;
}

CongestionCalibration fit_congestion(const FrameTable& table, const Thresholds& thresholds,
                                     const CongestionOptions& options, Forecaster& forecaster) {
  const CongestionCells cells(table, thresholds, options);
  if (cells.validation.cells.empty()) {
    throw base::Error(
        "none of the {} series with a threshold has traffic from {} to {}: nothing to calibrate on",
        cells.series, base::format_time(options.validation.from_ms),
        base::format_time(options.validation.to_ms));
  }
  forecaster.fit(task_of(table, options), options.seed);
  const auto said = said_of(forecaster, table, cells.validation, options);
  CongestionCalibration c{table.step_ms, {}};
  for (size_t h = 0; h < options.horizons.size(); ++h)
    c.horizons.push_back({options.horizons[h], calibration_of(cells.validation, said, h)});
  return c;
}

}  // namespace netflowgen::eval
