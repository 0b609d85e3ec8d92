#include "eval/forecast/forecaster.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace netflowgen::eval {

Forecast::Forecast(size_t origin_count, size_t feature_count, size_t horizon_count)
    : origins(origin_count),
      features(feature_count),
      horizons(horizon_count),
      quantiles(origin_count * feature_count * horizon_count * kQuantiles),
      mean(origin_count * feature_count * horizon_count),
      median(origin_count * feature_count * horizon_count) {}

void Forecast::set_point(size_t cell, float value) {
  std::fill_n(quantiles.begin() + static_cast<std::ptrdiff_t>(cell * kQuantiles), kQuantiles, value);
  mean[cell] = median[cell] = value;
}

size_t Bins::bin(size_t feature, float value) const {
  if (value == 0) return 0;
  const auto& e = edges[feature];
  return 1 + static_cast<size_t>(std::lower_bound(e.begin(), e.end(), value) - e.begin());
}

Bins fit_bins(const FrameTable& table, Period period, std::span<const size_t> nodes,
              std::span<const int> features, size_t bins) {
  Bins result;
  result.features.assign(features.begin(), features.end());
  result.edges.resize(features.size());
  for (size_t f = 0; f < features.size(); ++f) {
    std::vector<float> values;
    for (const size_t node : nodes) {
      for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
        if (!period.contains(table.steps[row] * table.step_ms)) continue;
        const float v = table.frame(row)[static_cast<size_t>(features[f])];
        if (!std::isnan(v) && v != 0) values.push_back(v);
      }
    }
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    for (size_t b = 1; b < bins; ++b) {
      const float edge = values[std::min(values.size() - 1, b * values.size() / bins)];
      if (result.edges[f].empty() || edge > result.edges[f].back()) result.edges[f].push_back(edge);
    }
  }
  return result;
}

float value_at(const FrameTable& table, size_t node, int64_t step, int feature) {
  const auto f = static_cast<size_t>(feature);
  if (table.missing[f]) return std::numeric_limits<float>::quiet_NaN();
  const size_t row = table.lower_bound(node, step);
  if (row < table.offsets[node + 1] && table.steps[row] == step) return table.frame(row)[f];
  return 0;
}

}  // namespace netflowgen::eval
