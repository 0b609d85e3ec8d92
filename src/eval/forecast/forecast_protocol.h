// The forecast protocol: from where forecasts are made, which series count, who is unseen. Definitions:
// docs/evaluation.md.
//
// A series is one feature of one node. An origin is a step of a node that has a frame. All methods are scored on the
// same cells (origin, feature, horizon): those where the truth and the seasonal naive forecast are known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/forecast/forecaster.h"

namespace netflowgen::eval {

struct ForecastOptions {
  Period train;                         // methods learn here; validation is its last part
  Period validation;                    // and choose here
  Period test;                          // figures come from here
  std::vector<int64_t> horizons = {1};  // in steps, ascending
  std::vector<int> features;            // to forecast; empty: every volume that the store gives
  int64_t every_ms = 3'600'000;         // interval of origins, at a minute that shifts from one to the next
  int64_t season_ms = 86'400'000;       // of seasonal naive, MASE, Holt-Winters
  double most_zeros = 0.5;              // a series with more zeros than this is "mostly zero"
  double least_change = 0.01;  // seasonal naive errs by less than this share of the mean: near-constant
  size_t least_cells = 20;     // fewer scored cells at the first horizon: too short
};

enum class SeriesGroup : uint8_t { kActive, kMostlyZero, kConstant, kShort };
std::string_view name_of(SeriesGroup group);

struct ForecastSeries {
  size_t node = 0;
  size_t feature = 0;  // index into ForecastOptions::features
  SeriesGroup group = SeriesGroup::kShort;
  bool unseen = false;
  double zeros = 0;  // share of the test period's known values
  double scale = 0;  // mean absolute error of seasonal naive at one step over `train` (MASE); 0: unknown
  std::vector<double> naive;  // [horizon] mean absolute error of seasonal naive over the scored cells
  std::vector<size_t> cells;  // [horizon] scored
};

struct ForecastData {
  const FrameTable* table = nullptr;
  ForecastOptions options;
  std::vector<bool> unseen;            // [nodes]
  std::vector<Origin> origins;         // by node, then step
  std::vector<float> truth;            // [origin, feature, horizon]; NaN: not scored
  std::vector<float> naive;            // [origin, feature, horizon] seasonal naive
  std::vector<ForecastSeries> series;  // [node, feature]; nodes without an origin too

  ForecastTask task() const;
};

// The value of seasonal naive for `target` when everything up to `known` is known: the latest value an integral number of
// seasons before it. NaN: unknown, or before the archive.
float seasonal_naive(const FrameTable& table, size_t node, int feature, int64_t target, int64_t known,
                     int64_t season_steps);

// Steps of the period at which forecasts are made: one in each `every_ms`, the minute shifting.
std::vector<int64_t> origin_steps(Period period, int64_t step_ms, int64_t every_ms);

// Error: a period outside the archive or too short for the longest horizon; no feature; no origin.
ForecastData prepare_forecast(const FrameTable& table, const std::vector<bool>& unseen,
                              const ForecastOptions& options);

}  // namespace netflowgen::eval
