#include "cli/options/detect_options.h"

#include "model/shipped_model.h"

namespace netflowgen::cli {

std::string model_or_shipped(const std::string& folder) {
  return folder.empty() || folder == "default" ? model::shipped_model().string() : folder;
}

Option* add_detect_options(Command& command, serve::DetectOptions& options) {
  const auto option = [&](const char* group, const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group);
  };
  auto* const model = option(kModelGroup, "--model", options.model,
                             "Model folder with detect.json; default: the one that comes with the program");
  option(kModelGroup, "--policy", options.policy, "YAML of policies (docs/detection.md)");
  command.add_flag("--dry-run", options.dry_run, "Suppress every alert; records have the reason")
      ->group(kModelGroup);
  option(kModelGroup, "--max-nodes", options.max_nodes, "Nodes to remember; 0: as many as 4 GiB hold")
      ->capture_default_str();
  option(kAdvancedGroup, "--threads", options.threads, "0: all cores")->capture_default_str();
  option(kAdvancedGroup, "--precision", options.precision, "Number format of weights: float32, bf16 or int8")
      ->capture_default_str();
  option(kAdvancedGroup, "--cache", options.cache,
         "Number format of cached keys and values: float32, bf16 or int8")
      ->capture_default_str();
  return model;
}

}  // namespace netflowgen::cli
