#include <string>

#include "base/error.h"
#include "base/time.h"
#include "cli/evaluate_forecast.h"
#include "cli/evaluate_methods.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "study/attack_methods.h"
#include "study/boosted_method.h"
#include "study/forecast_models.h"
#include "study/forecast_trees.h"
#include "study/head_file.h"

namespace netflowgen::cli {
namespace {

class LearnedDdosMethods : public DdosMethods {
 public:
  explicit LearnedDdosMethods(Command& c) {
    c.add_option("--model", options_.model,
                 "Model folder, or default: adds it, its score without labels and an untrained copy");
    c.add_option("--tune", options_.tune,
                 "Also the model fine-tuned itself, anew for every fit: adapters, all")
        ->check(one_of({"adapters", "all"}));
    c.add_option("--device", options_.device, "cpu, cuda or cuda:N")->capture_default_str();
    c.add_option("--threads", options_.threads, "0: all cores")->capture_default_str();
    add_head_options(c, head_);
  }

  void append(std::vector<std::unique_ptr<eval::AttackMethod>>& all, Context& context) const override {
    study::BoostedDetectorOptions trees;
    trees.booster.stop = &context.stop;
    all.push_back(study::boosted_trees(trees));
    study::LearnedOptions options = options_;
    options.head = study::choose_head(head_, options_.head);  // a bad file is refused without a model too
    if (options.model.empty()) return;
    options.model = model_or_shipped(options.model);
    for (auto& d : study::learned_detectors(options, context.stop, progress_printer(context, "model")))
      all.push_back(std::move(d));
  }

 private:
  study::LearnedOptions options_;
  study::HeadChoice head_;
};

class LearnedForecastMethods : public ForecastMethods {
 public:
  explicit LearnedForecastMethods(Command& c) {
    c.add_option(
        "--model", folders_,
        "Model folder, or default: adds it and an untrained copy; several are averaged (repeatable)");
    c.add_flag("--untrained,!--no-untrained", untrained_, "Also the first model with random weights")
        ->capture_default_str();
    c.add_option("--history", history_,
                 "History that the models read before the first origin; less saves time (0s: all)")
        ->capture_default_str();
    c.add_option("--tree-rows", trees_.rows, "Training examples a horizon of the trees")
        ->capture_default_str();
    c.add_option("--tree-rounds", trees_.rounds, "Trees an ensemble")->capture_default_str();
    c.add_option("--device", device_, "cpu, cuda or cuda:N")->capture_default_str();
    c.add_option("--threads", trees_.threads, "0: all cores")->capture_default_str();
  }

  const eval::Bins* append(const series::FrameTable& table, const std::vector<int64_t>& horizons,
                           std::vector<std::unique_ptr<eval::Forecaster>>& forecasters,
                           std::vector<std::unique_ptr<eval::NextStepPredictor>>& predictors,
                           Context& context) override {
    trees_.stop = &context.stop;
    forecasters.push_back(study::tree_forecaster(trees_));
    if (folders_.empty()) return nullptr;
    std::vector<std::string> folders;
    for (const auto& f : folders_) folders.push_back(model_or_shipped(f));
    models_ = std::make_shared<study::ForecastModels>(folders, device_, trees_.threads,
                                                      parse_duration_ms(history_, "--history"), context.stop,
                                                      progress_printer(context, "walk"));
    models_->check(table, horizons);
    study::add_model_methods(models_, untrained_, forecasters, predictors);
    return &models_->bins();
  }

 private:
  std::vector<std::string> folders_;
  bool untrained_ = true;
  std::string history_ = "0s";
  std::string device_ = "cpu";
  study::TreeOptions trees_;
  std::shared_ptr<study::ForecastModels> models_;
};

}  // namespace

std::unique_ptr<DdosMethods> add_ddos_methods(Command& command) {
  return std::make_unique<LearnedDdosMethods>(command);
}

std::unique_ptr<ForecastMethods> add_forecast_methods(Command& command) {
  return std::make_unique<LearnedForecastMethods>(command);
}

}  // namespace netflowgen::cli
