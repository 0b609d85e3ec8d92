#include "eval/forecast/forecast_calibration.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::eval {
namespace {

constexpr double kFactors[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5};
constexpr size_t kChoices = std::size(kFactors);
constexpr size_t kMedian = kQuantiles / 2;
constexpr size_t kUnscaled = 10;     // of kFactors
constexpr int kSweeps = 3;           // over the levels, each chosen while the others are fixed
constexpr double kLeastLoss = 1e-3;  // of a series, as a share of seasonal naive's

double scaled(double median, double quantile, double factor) { return median + factor * (quantile - median); }

// Of one series: the pinball loss summed over its cells, by level and factor, as a share of seasonal naive's error.
using Losses = std::array<std::array<double, kChoices>, kQuantiles>;

double total(const Losses& losses, const std::array<size_t, kQuantiles>& chosen) {
  double sum = 0;
  for (size_t k = 0; k < kQuantiles; ++k) sum += losses[k][chosen[k]];
  return std::max(sum, kLeastLoss);
}

}  // namespace

QuantileScale::QuantileScale(const ForecastData& data, const Forecast& forecast)
    : horizons_(forecast.horizons), factors_(forecast.features * forecast.horizons * kQuantiles, 1.0) {
  for (size_t f = 0; f < forecast.features; ++f) {
    for (size_t h = 0; h < horizons_; ++h) fit(data, forecast, f, h);
  }
}

void QuantileScale::fit(const ForecastData& d, const Forecast& forecast, size_t feature, size_t horizon) {
  std::vector<Losses> series;
  size_t last = SIZE_MAX;  // node; origins come by node
  for (size_t i = 0; i < d.origins.size(); ++i) {
    const size_t node = d.origins[i].node;
    const ForecastSeries& s = d.series[node * forecast.features + feature];
    const size_t cell = forecast.at(i, feature, horizon);
    const double truth = double{d.truth[cell]};
    if (s.unseen || s.group != SeriesGroup::kActive || std::isnan(truth) || !(s.naive[horizon] > 0)) continue;
    if (node != last) series.emplace_back(Losses{});
    last = node;
    const auto q = forecast.quantiles_at(cell);
    const double share = 1 / (s.naive[horizon] * static_cast<double>(s.cells[horizon]));
    for (size_t k = 0; k < kQuantiles; ++k) {
      for (size_t c = 0; c < kChoices; ++c) {
        const double e = truth - scaled(double{q[kMedian]}, double{q[k]}, kFactors[c]);
        series.back()[k][c] += share * std::max(kQuantileLevels[k] * e, (kQuantileLevels[k] - 1) * e);
      }
    }
  }
  if (series.empty()) return;
  std::array<size_t, kQuantiles> chosen;
  chosen.fill(kUnscaled);
  const auto cost = [&] {
    double sum = 0;
    for (const auto& s : series) sum += std::log(total(s, chosen));
    return sum;
  };
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (size_t k = 0; k < kQuantiles; ++k) {
      if (k == kMedian) continue;
      size_t best = chosen[k];
      double least = cost();
      for (size_t c = 0; c < kChoices; ++c) {
        chosen[k] = c;
        if (const double now = cost(); now < least) least = now, best = c;
      }
      chosen[k] = best;
    }
  }
  for (size_t k = 0; k < kQuantiles; ++k)
    factors_[(feature * horizons_ + horizon) * kQuantiles + k] = kFactors[chosen[k]];
}

void QuantileScale::apply(Forecast& forecast) const {
  for (size_t i = 0; i < forecast.origins; ++i) {
    for (size_t f = 0; f < forecast.features; ++f) {
      for (size_t h = 0; h < forecast.horizons; ++h) {
        const auto q = forecast.quantiles_at(forecast.at(i, f, h));
        const double median = double{q[kMedian]};
        for (size_t k = 0; k < kQuantiles; ++k)
          q[k] = static_cast<float>(scaled(median, double{q[k]}, factor(f, h, k)));
        std::sort(q.begin(), q.end());
      }
    }
  }
}

void bound_by_history(const FrameTable& table, std::span<const Origin> origins, std::span<const int> features,
                      Forecast& forecast) {
  std::vector<float> most(features.size());
  size_t row = 0;
  for (size_t i = 0; i < origins.size(); ++i) {
    const size_t node = origins[i].node;
    if (i == 0 || origins[i - 1].node != node || origins[i].step < origins[i - 1].step) {
      std::fill(most.begin(), most.end(), 0.0f);
      row = table.offsets[node];
    }
    for (; row < table.offsets[node + 1] && table.steps[row] <= origins[i].step; ++row) {
      for (size_t f = 0; f < features.size(); ++f) {
        const float v = table.frame(row)[static_cast<size_t>(features[f])];
        if (v > most[f]) most[f] = v;  // false for NaN
      }
    }
    for (size_t f = 0; f < features.size(); ++f) {
      for (size_t h = 0; h < forecast.horizons; ++h) {
        const size_t cell = forecast.at(i, f, h);
        for (float& q : forecast.quantiles_at(cell)) q = std::min(q, most[f]);
        forecast.median[cell] = std::min(forecast.median[cell], most[f]);
        forecast.mean[cell] = std::min(forecast.mean[cell], most[f]);
      }
    }
  }
}

}  // namespace netflowgen::eval
