#include "cli/inspect_roles.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/options/detect_options.h"
#include "detect/node_classes.h"
#include "infer/weights.h"
#include "series/store.h"

namespace netflowgen::cli {

void print_roles(const RoleSettings& s, Context& context) {
  const auto table = series::load_frames(s.store, s.filter);
  if (table.rows() == 0)
    throw base::Error("{} has no frame of that node in that time; netflowgen inspect {} lists its nodes",
                      s.store, s.store);
  infer::ModelOptions options;
  options.step_ms = table.step_ms;
  const auto model = infer::Model::load(model_or_shipped(s.model), options);
  const detect::ClassTally names(*model, "role");  // refused before the store is read through
  const auto nodes =
      detect::classify_nodes(model, "role", table, 0, context.stop, progress_printer(context, "roles"));
  std::string text = "node,role,probability,steps";
  for (const auto& name : names.classes()) text += ",p " + name;
  text += "\n";
  for (const auto& n : nodes) {
    if (n.steps == 0) {
      text += fmt::format("{},,,0{}\n", n.node, std::string(names.classes().size(), ','));
      continue;
    }
    text += fmt::format("{},{},{:.3f},{}", n.node, names.classes()[n.top], n.probabilities[n.top], n.steps);
    for (const double p : n.probabilities) text += fmt::format(",{:.3f}", p);
    text += "\n";
  }
  fmt::print("{}", text);
}

}  // namespace netflowgen::cli
