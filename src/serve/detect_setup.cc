#include "serve/detect_setup.h"

#include <fmt/format.h>

#include <utility>

#include "series/node_choice.h"

namespace netflowgen::serve {

std::string take_fitted_nodes(const detect::FittedNodes& fitted, bool named, series::NodeOptions& nodes) {
  if (named || !fitted.choice.known()) return "";
  series::apply(fitted.choice, nodes);
  return fmt::format("nodes: {}, as the model was fitted on ({} nodes)", fitted.choice.text(), fitted.count);
}

std::string NodeWatch::update(uint64_t nodes) {
  if (warned_) return "";
  const std::string text = fitted_->excess(nodes);
  warned_ = !text.empty();
  return text;
}

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
  options.step_ms = o.step_ms > 0 ? o.step_ms : calibration.step_ms;
  model_ = infer::Model::load(o.model, options);
  const auto& spec = model_->spec();
  calibration.to_steps_of(spec.input.step_ms);
  rules_ = std::make_unique<detect::RuleSet>(std::move(policies), std::move(calibration), spec.input.step_ms,
                                             spec.window);
}

}  // namespace netflowgen::serve
