// netflowgen evaluate role: how well roles of nodes are named from a few labelled ones.
#include "cli/evaluate_forecast.h"
#include "cli/evaluate_tasks.h"

#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "eval/classes/class_eval.h"
#include "eval/holdout.h"
#include "series/store.h"
#include "study/roles.h"

namespace netflowgen::cli {
namespace {

struct RoleArguments {
  std::string store;
  std::string labels;
  std::string out;
  std::string period;
  std::string holdout;
  eval::NodeClassOptions columns;
  eval::ClassRunOptions run;
  study::RoleOptions study;
};

void evaluate_role(RoleArguments& a, Context& context) {
  series::FrameFilter filter;
  if (!a.period.empty()) {
    const auto period = parse_period(a.period, "--period");
    const auto store = series::read_store_info(a.store);
    check_covers(store.first_step * store.step_ms, store.end_step * store.step_ms, period, a.period,
                 "--period");
    filter.from_ms = period.from_ms;
    filter.to_ms = period.to_ms;
  }
  const auto table = series::load_frames(a.store, filter);
  const auto classes = eval::load_node_classes(a.labels, table, a.columns);
  if (const auto text = classes.summary(); !text.empty()) fmt::print(stderr, "{}\n", text);
  if (!a.holdout.empty()) a.run.tested = eval::read_holdout(a.holdout, table);
  if (!a.study.model.empty()) a.study.model = model_or_shipped(a.study.model);
  auto methods = study::role_methods(a.study, table, context.stop, progress_printer(context, "walk"));
  methods.push_back(eval::largest_class(classes));
  const auto result = eval::evaluate_classes(table, classes, a.run, methods, context.stop,
                                             progress_printer(context, "evaluate"));
  fmt::print("{}", eval::class_table(result));
  if (!a.out.empty()) base::write_file(a.out, eval::class_json(result));
}

}  // namespace

void add_evaluate_role(Command& evaluate, Context& context) {
  auto a = std::make_shared<RoleArguments>();
  auto* c = evaluate.add_subcommand("role", "Name the roles of nodes from a few labelled ones");
  c->add_option("STORE", a->store, "Series store")->required();
  c->add_option("--labels", a->labels, "CSV: node (or prefix), class")->required();
  c->add_option("--node-column", a->columns.node_column, "Its column of nodes [node, host, address or ip]");
  c->add_option("--class-column", a->columns.class_column, "Its column of classes [class, role or type]");
  c->add_option("--model", a->study.model, "Model folder, or default: adds it and an untrained copy");
  c->add_option("-n,--labels-per-class", a->run.labels, "Labelled nodes of each class; at most half of it")
      ->check(kPositive)
      ->capture_default_str();
  c->add_option("--draws", a->run.draws, "Draws of labels")->check(kPositive)->capture_default_str();
  c->add_option("--min-nodes", a->run.least_nodes, "Leave out classes with fewer nodes")
      ->check(in_range(2, 1 << 20))
      ->capture_default_str();
  c->add_option("--holdout", a->holdout, "File of nodes to test, a name a line; labels are of the others");
  c->add_option("--period", a->period, "Use this part of the time, FROM/TO (default: all)");
  c->add_option("-o,--out", a->out, "JSON file of the figures");
  c->add_option("--seed", a->run.seed, "First seed")->capture_default_str()->group(kAdvancedGroup);
  c->add_option("--ridge", a->study.ridge, "Penalty of the head's weights")
      ->check(kPositive)
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--device", a->study.device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", a->study.threads, "0: all cores")->capture_default_str();
  c->footer(
      "Example: netflowgen evaluate role store --labels roles.csv --model default\n"
      "Definitions of all figures: docs/evaluation.md");
  c->callback([a, &context] { evaluate_role(*a, context); });
}

}  // namespace netflowgen::cli
