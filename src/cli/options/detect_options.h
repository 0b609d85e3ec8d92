// The options of every command that raises alerts, and what they come to: model, calibration, policies.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "detect/rulebook.h"
#include "infer/engine.h"
#include "infer/weights.h"

namespace netflowgen::cli {

struct DetectArgs {
  std::string model;
  std::string policy;
  bool dry_run = false;
  int threads = 0;
  std::string precision = "float32";
  std::string cache = "float32";
  size_t max_nodes = 0;
};

// --model, --policy, --dry-run, --threads, --precision, --cache, --max-nodes. Returns --model.
CLI::Option* add_detect_options(CLI::App& command, DetectArgs& args);

class DetectSetup {
 public:
  // Error: a model that cannot be read or is not calibrated, a policy that is wrong.
  explicit DetectSetup(const DetectArgs& args);

  const infer::Model& model() const { return *model_; }
  std::shared_ptr<const infer::Model> model_ptr() const { return model_; }
  detect::RuleBook& book() { return *book_; }
  const infer::EngineOptions& engine_options() const { return engine_; }

 private:
  std::shared_ptr<const infer::Model> model_;
  infer::EngineOptions engine_;
  std::unique_ptr<detect::RuleBook> book_;
};

}  // namespace netflowgen::cli
