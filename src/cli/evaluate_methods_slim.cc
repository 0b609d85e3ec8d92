#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "cli/evaluate_methods.h"
#include "cli/options/detect_options.h"
#include "eval/attacks/streamed_methods.h"

namespace netflowgen::cli {
namespace {

constexpr const char* kBuild = "a build with LibTorch and XGBoost (NETFLOWGEN_LEARN=ON)";

void name_what_is_missing(const std::vector<std::string>& models) {
  if (!models.empty()) throw base::UsageError("--model needs {}", kBuild);
  fmt::print(stderr, "not compared: gradient-boosted trees and trained models, which need {}\n", kBuild);
}

// Models with their own heads, by the streaming engine; nothing is learnt.
class SlimDdosMethods : public DdosMethods {
 public:
  explicit SlimDdosMethods(Command& c) {
    c.add_option("--model", model_, "Model folder, or default: adds its own heads, which learn nothing");
    c.add_option("--threads", threads_, "0: all cores")->capture_default_str();
  }
  void append(std::vector<std::unique_ptr<eval::AttackMethod>>& all, Context& context) const override {
    fmt::print(stderr,
               "not compared: gradient-boosted trees and heads that learn from the labels, which need {}\n",
               kBuild);
    if (model_.empty()) return;
    for (auto& m : eval::streamed_methods(model_or_shipped(model_), threads_, context.stop,
                                          progress_printer(context, "model")))
      all.push_back(std::move(m));
  }

 private:
  std::string model_;
  int threads_ = 0;
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
