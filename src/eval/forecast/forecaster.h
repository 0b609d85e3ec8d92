// What a forecasting method looks like to the evaluation: baselines and trained models alike.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::eval {

inline constexpr std::array<double, 9> kQuantileLevels = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
inline constexpr size_t kQuantiles = kQuantileLevels.size();

// "Standing at the end of `step` on `node`": everything up to and including that step is known.
struct Origin {
  size_t node = 0;
  int64_t step = 0;
  bool operator==(const Origin&) const = default;
};

struct ForecastTask {
  const FrameTable* table = nullptr;
  Period train;  // validation is its last part
  Period validation;
  std::vector<size_t> nodes;      // to learn from; held-out nodes are not among them
  std::vector<int> features;      // to forecast, e.g. {kBytesIn, kBytesOut}
  std::vector<int64_t> horizons;  // in steps, ascending, e.g. {1, 12, 48}
  int64_t season_steps = 1;
};

// A dense array [origin, feature, horizon] of forecasts, and of their quantiles.
struct Forecast {
  size_t origins = 0;
  size_t features = 0;
  size_t horizons = 0;
  std::vector<float> quantiles;  // [origin, feature, horizon, kQuantiles], ascending
  std::vector<float> mean;       // [origin, feature, horizon]
  std::vector<float> median;     // [origin, feature, horizon]; what the absolute error is taken of

  Forecast() = default;
  Forecast(size_t origin_count, size_t feature_count, size_t horizon_count);
  size_t at(size_t origin, size_t feature, size_t horizon) const {
    return (origin * features + feature) * horizons + horizon;
  }
  std::span<float> quantiles_at(size_t cell) { return {quantiles.data() + cell * kQuantiles, kQuantiles}; }
  std::span<const float> quantiles_at(size_t cell) const {
    return {quantiles.data() + cell * kQuantiles, kQuantiles};
  }
  // A point forecast: every quantile, the mean and the median are `value`.
  void set_point(size_t cell, float value);
};

class Forecaster {
 public:
  virtual ~Forecaster() = default;
  virtual std::string name() const = 0;
  // Its quantiles are more than copies of the median, and are calibrated on validation (forecast_calibration.h).
  virtual bool gives_quantiles() const { return false; }
  virtual void fit(const ForecastTask& task, uint64_t seed) = 0;
  // Causal: an origin's forecast depends on frames up to its step alone. `table` may be another than fit's
  // (same features, step); features and horizons are fit's. Origins are by node, then step.
  virtual Forecast predict(const FrameTable& table, std::span<const Origin> origins) = 0;
};

// The categorical side of the next step: bits and accuracy need a distribution over the same bins for every
// method. Bins are the tokenizer's or, without one, fitted by fit_bins.
struct Bins {
  // [feature][edges], ascending: bin 0 is exactly zero, bin i >= 1 holds (edges[i - 2], edges[i - 1]], open
  // at both ends; missing values are not scored.
  std::vector<int> features;
  std::vector<std::vector<float>> edges;

  size_t count(size_t feature) const { return edges[feature].size() + 2; }
  size_t bin(size_t feature, float value) const;
};
// `bins` quantile bins of the non-zero values of the nodes' rows in the period.
Bins fit_bins(const FrameTable& table, Period period, std::span<const size_t> nodes,
              std::span<const int> features, size_t bins);

// What a method said of the value one step after each origin. `bits` NaN: the method gives no distribution.
struct NextStep {
  std::vector<float> bits;      // [origin, feature] -log2 of the probability of the bin that came
  std::vector<int32_t> likely;  // [origin, feature] the most probable bin
};

class NextStepPredictor {
 public:
  virtual ~NextStepPredictor() = default;
  virtual std::string name() const = 0;
  virtual void fit(const ForecastTask& task, const Bins& bins, uint64_t seed) = 0;
  virtual NextStep predict(const FrameTable& table, const Bins& bins, std::span<const Origin> origins) = 0;
};

// The value of `feature` at (node, step): a row's, or an idle step's 0, or NaN where the source never gives
// it.
float value_at(const FrameTable& table, size_t node, int64_t step, int feature);

}  // namespace netflowgen::eval
