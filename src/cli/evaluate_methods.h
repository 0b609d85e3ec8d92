// What `evaluate` compares beside the plain baselines: gradient-boosted trees and trained models.
//
// Two files define these functions: learn_evaluate_methods.cc, and evaluate_methods_slim.cc for a build without LibTorch and
// XGBoost, which names what it lacks.
#pragma once

#include <memory>
#include <vector>

#include "cli/command.h"
#include "eval/attacks/attack_method.h"
#include "eval/forecast/forecaster.h"
#include "series/frame_table.h"

namespace netflowgen::cli {

class DdosMethods {
 public:
  virtual ~DdosMethods() = default;
  virtual void append(std::vector<std::unique_ptr<eval::AttackMethod>>& all, Context& context) const = 0;
};
// Adds --model and the options of what is learned. They are read when append() is called.
std::unique_ptr<DdosMethods> add_ddos_methods(Command& command);

class ForecastMethods {
 public:
  virtual ~ForecastMethods() = default;
  // Returns the bins of the next step's tokens, which live as long as the methods, or null without a model.
  // Error: a model that does not fit the table or the horizons.
  virtual const eval::Bins* append(const series::FrameTable& table, const std::vector<int64_t>& horizons,
                                   std::vector<std::unique_ptr<eval::Forecaster>>& forecasters,
                                   std::vector<std::unique_ptr<eval::NextStepPredictor>>& predictors,
                                   Context& context) = 0;
};
std::unique_ptr<ForecastMethods> add_forecast_methods(Command& command);

}  // namespace netflowgen::cli
