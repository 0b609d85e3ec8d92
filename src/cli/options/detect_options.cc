#include "cli/options/detect_options.h"

#include "base/error.h"

namespace netflowgen::cli {

CLI::Option* add_detect_options(CLI::App& command, DetectArgs& args) {
  auto* const model = command.add_option("--model", args.model, "Fine-tuned model folder, with detect.json");
  command.add_option("--policy", args.policy, "YAML of policies (docs/detection.md)");
  command.add_flag("--dry-run", args.dry_run, "Hold every alert back; the records say so");
  command.add_option("--threads", args.threads, "0: all cores")->capture_default_str();
  command.add_option("--precision", args.precision, "Of weights: float32, bf16 or int8")
      ->capture_default_str();
  command.add_option("--cache", args.cache, "Of cached keys and values: float32, bf16 or int8")
      ->capture_default_str();
  command.add_option("--max-nodes", args.max_nodes, "Nodes to remember; 0: as many as 4 GiB hold")
      ->capture_default_str();
  return model;
}

DetectSetup::DetectSetup(const DetectArgs& args) {
  infer::ModelOptions options;
  options.precision = infer::precision_from(args.precision);
  engine_.cache = infer::precision_from(args.cache);
  engine_.threads = args.threads;
  engine_.max_nodes = args.max_nodes;
  auto calibration = detect::Calibration::load(args.model);
  detect::Policies policies;
  if (!args.policy.empty()) policies = detect::Policies::load(args.policy, calibration.names());
  if (args.dry_run) policies.set_dry_run();
  model_ = infer::Model::load(args.model, options);
  const auto& spec = model_->spec();
  book_ = std::make_unique<detect::RuleBook>(std::move(policies), std::move(calibration), spec.input.step_ms,
                                             spec.window);
}

}  // namespace netflowgen::cli
