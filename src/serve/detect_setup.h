// What raising alerts needs: the model, its calibration, the operator's policies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "detect/rule_set.h"
#include "infer/engine.h"
#include "infer/weights.h"
#include "series/node.h"

namespace netflowgen::serve {

struct DetectOptions {
  std::string model;   // a fine-tuned model's folder, with detect.json
  std::string policy;  // YAML of policies; empty: none
  bool dry_run = false;
  int threads = 0;                    // 0: all cores
  std::string precision = "float32";  // of weights: float32, bf16 or int8
  std::string cache = "float32";      // of cached keys and values, ditto
  size_t max_nodes = 0;               // 0: as many as 4 GiB hold
  int64_t step_ms =
      0;  // of the series; 0: that of the calibration, else the model's own. Others need a universal model
};

class DetectSetup {
 public:
  // Error: a model that cannot be read or is not calibrated, a policy that is wrong.
  explicit DetectSetup(const DetectOptions& options);

  const infer::Model& model() const { return *model_; }
  std::shared_ptr<const infer::Model> model_ptr() const { return model_; }
  detect::RuleSet& rules() { return *rules_; }
  const detect::RuleSet& rules() const { return *rules_; }
  const detect::Calibration& calibration() const { return rules_->calibration(); }
  const detect::FittedNodes& fitted() const { return rules_->calibration().nodes; }
  const infer::EngineOptions& engine_options() const { return engine_; }
  int64_t step_ms() const { return model_->spec().input.step_ms; }

 private:
  std::shared_ptr<const infer::Model> model_;
  infer::EngineOptions engine_;
  std::unique_ptr<detect::RuleSet> rules_;
};

// Where the user names no nodes, takes those that the model was fitted on. Returns the line that tells the user, or "" where
// nothing was taken: nodes were named, or the model does not know.
std::string take_fitted_nodes(const detect::FittedNodes& fitted, bool named, series::NodeOptions& nodes);

// Warns once, when far more nodes are scored than the model was fitted on.
class NodeWatch {
 public:
  explicit NodeWatch(const detect::FittedNodes& fitted) : fitted_(&fitted) {}
  // The warning, the first time that there is one; else "".
  std::string update(uint64_t nodes);

 private:
  const detect::FittedNodes* fitted_;
  bool warned_ = false;
};

}  // namespace netflowgen::serve
