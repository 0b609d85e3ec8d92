#include "cli/learn/finetune_role.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/learn/learn_options.h"
#include "series/store.h"

namespace netflowgen::cli {

void run_finetune_role(const RoleFinetune& a, Context& context) {
  if (a.labels.size() != 1)
    throw base::UsageError("--task role: give one --labels FILE with the columns node and class");
  const auto table = series::load_frames(a.store);
  const auto classes = eval::load_node_classes(a.labels.front(), table, a.columns);
  if (const auto text = classes.summary(); !text.empty()) fmt::print(stderr, "{}\n", text);
  study::RoleOptions study = a.study;
  study.range = range_in(a.train, table, "--train");
  const auto r =
      study::finetune_roles(study, table, classes, context.stop, progress_printer(context, "walk"));
  for (size_t c = 0; c < classes.names.size(); ++c)
    fmt::print("{}{} {}", c == 0 ? "role: learnt from " : ", ", r.nodes[c], classes.names[c]);
  fmt::print("\n");
  if (r.silent > 0) fmt::print("{} labelled nodes have no step in the period and were left out\n", r.silent);
  fmt::print(
      "{:.0f} % of the labelled nodes are named rightly by the others, each class counting the same\n"
      "written to {}; `netflowgen inspect STORE --roles --model {}` names the role of every node\n",
      100 * r.left_out_accuracy, study.out, study.out);
}

}  // namespace netflowgen::cli
