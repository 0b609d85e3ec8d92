#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "cli/evaluate_methods.h"

namespace netflowgen::cli {
namespace {

void name_what_is_missing(const std::vector<std::string>& models) {
  constexpr const char* kBuild = "a build with LibTorch and XGBoost (NETFLOWGEN_LEARN=ON)";
  if (!models.empty()) throw base::UsageError("--model needs {}", kBuild);
  fmt::print(stderr, "not compared: gradient-boosted trees and trained models, which need {}\n", kBuild);
}

class SlimDdosMethods : public DdosMethods {
 public:
  explicit SlimDdosMethods(Command& c) { c.add_option("--model", models_, "Not in this build"); }
  void append(std::vector<std::unique_ptr<eval::AttackMethod>>&, Context&) const override {
    name_what_is_missing(models_);
  }

 private:
  std::vector<std::string> models_;
};

class SlimForecastMethods : public ForecastMethods {
 public:
  explicit SlimForecastMethods(Command& c) { c.add_option("--model", models_, "Not in this build"); }
  const eval::Bins* append(const series::FrameTable&, const std::vector<int64_t>&,
                           std::vector<std::unique_ptr<eval::Forecaster>>&,
                           std::vector<std::unique_ptr<eval::NextStepPredictor>>&, Context&) override {
    name_what_is_missing(models_);
    return nullptr;
  }

 private:
  std::vector<std::string> models_;
};

}  // namespace

std::unique_ptr<DdosMethods> add_ddos_methods(Command& command) {
  return std::make_unique<SlimDdosMethods>(command);
}

std::unique_ptr<ForecastMethods> add_forecast_methods(Command& command) {
  return std::make_unique<SlimForecastMethods>(command);
}

}  // namespace netflowgen::cli
