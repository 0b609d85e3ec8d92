#include "eval/forecast/forecast_eval.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/nan.h"
#include "eval/forecast/forecast_calibration.h"

namespace netflowgen::eval {
namespace {

using base::kNaN;

// Sums of one method over the cells of each series.
MethodRun score(const ForecastData& d, const std::string& method, const Forecast& forecast) {
  MethodRun run;
  run.method = method;
  const size_t features = d.options.features.size();
  const size_t horizons = d.options.horizons.size();
  run.series.assign(d.series.size(), {std::vector<double>(horizons, 0), std::vector<double>(horizons, 0)});
  for (size_t i = 0; i < d.origins.size(); ++i) {
    for (size_t f = 0; f < features; ++f) {
      SeriesLoss& s = run.series[d.origins[i].node * features + f];
      for (size_t h = 0; h < horizons; ++h) {
        const size_t cell = forecast.at(i, f, h);
        const double truth = double{d.truth[cell]};
        if (std::isnan(truth)) continue;
        s.absolute[h] += std::fabs(truth - double{forecast.median[cell]});
        s.quantile[h] += quantile_loss(forecast.quantiles_at(cell), truth);
      }
    }
  }
  for (size_t k = 0; k < run.series.size(); ++k) {
    for (size_t h = 0; h < horizons; ++h) {
      const auto n = static_cast<double>(d.series[k].cells[h]);
      run.series[k].absolute[h] = n > 0 ? run.series[k].absolute[h] / n : kNaN;
      run.series[k].quantile[h] = n > 0 ? run.series[k].quantile[h] / n : kNaN;
    }
  }
  return run;
}

// Quantiles are bounded, a copy of the median needs no bound.
Forecast predict(Forecaster& forecaster, const ForecastData& d) {
  Forecast forecast = forecaster.predict(*d.table, d.origins);
  if (forecaster.gives_quantiles()) bound_by_history(*d.table, d.origins, d.options.features, forecast);
  return forecast;
}

// Factors from the validation period, by a method that was fitted on what comes before it; none where there is no such
// period.
std::optional<QuantileScale> calibrate(Forecaster& forecaster, const ForecastData& test, uint64_t seed) {
  ForecastOptions o = test.options;
  const bool possible =
      o.validation.from_ms > o.train.from_ms && o.validation.to_ms - o.validation.from_ms >= o.every_ms;
  if (!forecaster.gives_quantiles() || !possible) return {};
  o.train.to_ms = o.validation.from_ms;
  o.test = o.validation;
  const ForecastData data = prepare_forecast(*test.table, test.unseen, o);
  forecaster.fit(data.task(), seed);
  return QuantileScale(data, predict(forecaster, data));
}

struct GeometricMean {
  double sum = 0;
  size_t count = 0;
  void add(double x) {
    if (!std::isfinite(x)) return;
    sum += std::log(std::max(x, kLeastShare));
    ++count;
  }
  double value() const { return count == 0 ? kNaN : std::exp(sum / static_cast<double>(count)); }
};

const MethodRun* find(const std::vector<MethodRun>& runs, const std::string& method) {
  for (const auto& r : runs) {
    if (r.method == method) return &r;
  }
  return nullptr;
}

ForecastSummary summarise(const ForecastData& d, const MethodRun& run, const MethodRun* reference,
                          ForecastSummary s) {
  GeometricMean absolute;
  GeometricMean quantile;
  GeometricMean mase;
  double plain = 0;
  double worse = 0;
  double worse_quantile = 0;
  for (size_t k = 0; k < d.series.size(); ++k) {
    const auto& series = d.series[k];
    if (series.group != s.group || series.unseen != s.unseen || series.cells[s.horizon] == 0) continue;
    const double error = run.series[k].absolute[s.horizon];
    const double loss = run.series[k].quantile[s.horizon];
    ++s.series;
    absolute.add(error / series.naive[s.horizon]);
    quantile.add(loss / series.naive[s.horizon]);
    if (series.scale > 0) mase.add(error / series.scale);
    plain += loss / series.naive[s.horizon];
    if (reference == nullptr) continue;
    const auto much = [](double own, double other) { return own > kMuchWorse * other ? 1.0 : 0.0; };
    worse += much(error, reference->series[k].absolute[s.horizon]);
    worse_quantile += much(loss, reference->series[k].quantile[s.horizon]);
  }
  const auto n = static_cast<double>(s.series);
  s.absolute = absolute.value();
  s.quantile = quantile.value();
  s.mase = mase.value();
  s.quantile_mean = s.series == 0 ? kNaN : plain / n;
  s.much_worse = reference == nullptr || s.series == 0 ? kNaN : worse / n;
  s.much_worse_quantile = reference == nullptr || s.series == 0 ? kNaN : worse_quantile / n;
  return s;
}

void summarise_all(ForecastResult& r, const std::string& reference) {
  const MethodRun* other = find(r.runs, reference);
  for (const SeriesGroup group : {SeriesGroup::kActive, SeriesGroup::kMostlyZero}) {
    for (const bool unseen : {false, true}) {
      for (size_t h = 0; h < r.data.options.horizons.size(); ++h) {
        for (const auto& run : r.runs) {
          ForecastSummary s;
          s.method = run.method;
          s.group = group;
          s.unseen = unseen;
          s.horizon = h;
          s = summarise(r.data, run, other, s);
          if (s.series > 0) r.summaries.push_back(s);
        }
      }
    }
  }
}

void score_next(ForecastResult& r, const std::string& method, const NextStep& said) {
  const ForecastData& d = r.data;
  const size_t width = r.bins.features.size();
  for (const bool unseen : {false, true}) {
    NextStepSummary s;
    s.method = method;
    s.unseen = unseen;
    double bits = 0;
    double hits = 0;
    double changed = 0;
    double changed_hits = 0;
    for (size_t i = 0; i < d.origins.size(); ++i) {
      const Origin& o = d.origins[i];
      if (d.unseen[o.node] != unseen || (o.step + 1) * d.table->step_ms >= d.options.test.to_ms) continue;
      // Steps with a frame only: a model has no tokens of the others.
      const size_t row = d.table->lower_bound(o.node, o.step + 1);
      if (row >= d.table->offsets[o.node + 1] || d.table->steps[row] != o.step + 1) continue;
      for (size_t f = 0; f < width; ++f) {
        const float now = value_at(*d.table, o.node, o.step, r.bins.features[f]);
        const float next = d.table->frame(row)[static_cast<size_t>(r.bins.features[f])];
        if (std::isnan(now) || std::isnan(next)) continue;
        const size_t bin = r.bins.bin(f, next);
        const bool hit = said.likely[i * width + f] == static_cast<int32_t>(bin);
        ++s.cells;
        bits += double{said.bits[i * width + f]};
        hits += hit ? 1 : 0;
        if (bin == r.bins.bin(f, now)) continue;
        ++changed;
        changed_hits += hit ? 1 : 0;
      }
    }
    if (s.cells == 0) continue;
    const auto n = static_cast<double>(s.cells);
    s.bits = bits / n;
    s.accuracy = hits / n;
    s.changed = changed / n;
    s.accuracy_changed = changed > 0 ? changed_hits / changed : kNaN;
    r.next.push_back(s);
  }
}

// Active series spread over the list, seen and unseen in turn.
std::vector<size_t> fan_series(const ForecastData& d, size_t count) {
  std::vector<size_t> sides[2];
  for (size_t k = 0; k < d.series.size(); ++k) {
    if (d.series[k].group == SeriesGroup::kActive) sides[d.series[k].unseen ? 1 : 0].push_back(k);
  }
  std::vector<size_t> chosen;
  for (size_t i = 0; i < count; ++i) {
    const auto& side = sides[i % 2].empty() ? sides[1 - i % 2] : sides[i % 2];
    if (side.empty()) break;
    const size_t of_side = (count + 1) / 2;
    const size_t k = side[(i / 2) * side.size() / of_side % side.size()];
    if (std::find(chosen.begin(), chosen.end(), k) == chosen.end()) chosen.push_back(k);
  }
  return chosen;
}

void add_fans(ForecastResult& r, const std::string& method, const Forecast& forecast, size_t count) {
  const ForecastData& d = r.data;
  const FrameTable& t = *d.table;
  const size_t features = d.options.features.size();
  constexpr size_t kOrigins = 72;
  for (const size_t k : fan_series(d, count)) {
    const auto& s = d.series[k];
    const auto node_of = [](const Origin& o) { return o.node; };
    const auto range = std::ranges::equal_range(d.origins, s.node, {}, node_of);
    const auto begin = static_cast<size_t>(range.begin() - d.origins.begin());
    const size_t n = std::min<size_t>(kOrigins, range.size());
    for (size_t h = 0; h < d.options.horizons.size(); ++h) {
      Fan fan{t.nodes[s.node],
              std::string(series::kFeatures[static_cast<size_t>(d.options.features[s.feature])].name),
              s.unseen,
              h,
              method,
              {},
              {},
              {}};
      for (size_t i = begin; i < begin + n; ++i) {
        fan.times.push_back(static_cast<double>((d.origins[i].step + d.options.horizons[h]) * t.step_ms));
        const auto q = forecast.quantiles_at((i * features + s.feature) * d.options.horizons.size() + h);
        fan.quantiles.insert(fan.quantiles.end(), q.begin(), q.end());
      }
      const int64_t last = d.origins[begin + n - 1].step + d.options.horizons[h];
      for (int64_t step = d.origins[begin].step; step <= last && step < t.end_step; ++step) {
        const float v = value_at(t, s.node, step, d.options.features[s.feature]);
        fan.truth.emplace_back(static_cast<double>(step * t.step_ms), double{v});
      }
      r.fans.push_back(std::move(fan));
    }
  }
}

}  // namespace

std::string ForecastResult::shown_method() const {
  for (const char* name : {"netflowgen", "trees"}) {
    if (find(runs, name) != nullptr) return name;
  }
  return runs.empty() ? "" : runs.front().method;
}

double quantile_loss(std::span<const float> quantiles, double truth) {
  double sum = 0;
  for (size_t k = 0; k < kQuantiles; ++k) {
    const double e = truth - double{quantiles[k]};
    sum += 2 * std::max(kQuantileLevels[k] * e, (kQuantileLevels[k] - 1) * e);
  }
  return sum / static_cast<double>(kQuantiles);
}

ForecastResult evaluate_forecast(const FrameTable& table, const std::vector<bool>& unseen,
                                 const ForecastRunOptions& options,
                                 const std::vector<std::unique_ptr<Forecaster>>& forecasters,
                                 const std::vector<std::unique_ptr<NextStepPredictor>>& predictors,
                                 const Bins* bins, const base::StopFlag& stop,
                                 const base::ProgressFn& progress) {
  ForecastResult r;
  r.data = prepare_forecast(table, unseen, options.protocol);
  const ForecastTask task = r.data.task();
  const size_t total = forecasters.size() + predictors.size();
  size_t done = 0;
  const auto next = [&](const std::string& name) {
    if (stop.requested()) throw base::Stopped("stopped before {}; nothing was written", name);
    if (progress) progress({"methods", done, total, name});
    ++done;
  };
  for (const auto& f : forecasters) {
    next(f->name());
    const auto start = std::chrono::steady_clock::now();
    const auto scale = calibrate(*f, r.data, options.seed);
    f->fit(task, options.seed);
    Forecast forecast = predict(*f, r.data);
    if (scale) scale->apply(forecast);
    MethodRun run = score(r.data, f->name(), forecast);
    run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    add_fans(r, f->name(), forecast, options.fans);
    r.runs.push_back(std::move(run));
  }
  summarise_all(r, options.reference);
  r.bins = bins != nullptr ? *bins : fit_bins(table, task.train, task.nodes, task.features, options.bins);
  for (const auto& p : predictors) {
    next(p->name() + ", next step");
    p->fit(task, r.bins, options.seed);
    score_next(r, p->name(), p->predict(table, r.bins, r.data.origins));
  }
  if (progress) progress({"methods", total, total, "done"});
  return r;
}

}  // namespace netflowgen::eval
