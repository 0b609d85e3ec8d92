#include "serve/detect_setup.h"

#include <utility>

namespace netflowgen::serve {

DetectSetup::DetectSetup(const DetectOptions& o) {
  infer::ModelOptions options;
  options.precision = infer::precision_from(o.precision);
  engine_.cache = infer::precision_from(o.cache);
  engine_.threads = o.threads;
  engine_.max_nodes = o.max_nodes;
  auto calibration = detect::Calibration::load(o.model);
  detect::Policies policies;
  if (!o.policy.empty()) policies = detect::Policies::load(o.policy, calibration.names());
  if (o.dry_run) policies.set_dry_run();
  model_ = infer::Model::load(o.model, options);
  const auto& spec = model_->spec();
  book_ = std::make_unique<detect::RuleBook>(std::move(policies), std::move(calibration), spec.input.step_ms,
                                             spec.window);
}

}  // namespace netflowgen::serve
