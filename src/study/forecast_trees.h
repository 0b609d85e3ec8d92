// Gradient-boosted trees on lagged features as a forecaster: one ensemble a (horizon, quantile level), shared by all
// series and features.
#pragma once

#include <memory>

#include "base/stop.h"
#include "eval/forecast/forecaster.h"

namespace netflowgen::study {

struct TreeOptions {
  size_t rows = 150'000;  // training examples a horizon, drawn evenly over series
  int rounds = 120;
  int depth = 6;
  double rate = 0.15;
  int threads = 0;  // XGBoost's default
  const base::StopFlag* stop = nullptr;
};
std::unique_ptr<eval::Forecaster> tree_forecaster(const TreeOptions& options);

}  // namespace netflowgen::study
