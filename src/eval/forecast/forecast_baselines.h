// Forecasting baselines that learn little or nothing. Definitions: docs/evaluation.md.
#pragma once

#include <memory>
#include <vector>

#include "eval/forecast/forecaster.h"

namespace netflowgen::eval {

// The value at the origin, at every horizon.
std::unique_ptr<Forecaster> persistence_forecaster();
// The value an integral number of seasons before.
std::unique_ptr<Forecaster> seasonal_naive_forecaster();
// Exponentially weighted mean of log1p; its weight is the best of a few on the validation period.
std::unique_ptr<Forecaster> ewma_forecaster();
// Additive Holt-Winters of log1p with a season and no trend; weights as above.
std::unique_ptr<Forecaster> holt_winters_forecaster();

// Categorical, one step ahead. Persistence says the origin's bin with the share of unchanged training steps, and the
// marginal frequencies with the rest.
std::unique_ptr<NextStepPredictor> persistence_predictor();
// The marginal frequencies of the training period.
std::unique_ptr<NextStepPredictor> majority_predictor();

// All of the above.
std::vector<std::unique_ptr<Forecaster>> baseline_forecasters();
std::vector<std::unique_ptr<NextStepPredictor>> baseline_predictors();

}  // namespace netflowgen::eval
