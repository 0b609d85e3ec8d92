// What raising alerts needs: the model, its calibration, the operator's policies.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "detect/rulebook.h"
#include "infer/engine.h"
#include "infer/weights.h"

namespace netflowgen::serve {

struct DetectOptions {
  std::string model;   // a fine-tuned model's folder, with detect.json
  std::string policy;  // YAML of policies; empty: none
  bool dry_run = false;
  int threads = 0;                    // 0: all cores
  std::string precision = "float32";  // of weights: float32, bf16 or int8
  std::string cache = "float32";      // of cached keys and values, ditto
  size_t max_nodes = 0;               // 0: as many as 4 GiB hold
};

class DetectSetup {
 public:
  // Error: a model that cannot be read or is not calibrated, a policy that is wrong.
  explicit DetectSetup(const DetectOptions& options);

  const infer::Model& model() const { return *model_; }
  std::shared_ptr<const infer::Model> model_ptr() const { return model_; }
  detect::RuleBook& book() { return *book_; }
  const infer::EngineOptions& engine_options() const { return engine_; }
  int64_t step_ms() const { return model_->spec().input.step_ms; }

 private:
  std::shared_ptr<const infer::Model> model_;
  infer::EngineOptions engine_;
  std::unique_ptr<detect::RuleBook> book_;
};

}  // namespace netflowgen::serve
