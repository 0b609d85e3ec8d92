// netflowgen evaluate: its subcommands, and the wiring of ddos to a store, labels and files.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/evaluate_forecast.h"
#include "cli/evaluate_methods.h"
#include "cli/evaluate_tasks.h"
#include "eval/attacks/attack_method.h"
#include "eval/attacks/baselines.h"
#include "eval/attacks/ddos_eval.h"
#include "eval/attacks/protocol.h"
#include "eval/label_shift.h"
#include "eval/labels.h"
#include "eval/report/report.h"
#include "eval/results.h"
#include "series/frame_table.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

namespace fs = std::filesystem;

struct DdosArguments {
  std::string store;
  std::string labels;
  std::string exclude;
  std::string out;
  PeriodTexts periods;
  eval::LabelOptions label_options;
  eval::DdosRunOptions run;
  std::vector<std::string> budgets;
  std::vector<std::string> methods;
  std::string merge_gap = "10m";
  std::string lead = "0s";
  std::vector<std::string> logs;
  size_t timelines = 40;
  bool strict = false;
  std::unique_ptr<DdosMethods> learned;
};

// The labels. What was left out is printed on stderr, or an error with --strict.
eval::LabelSet read_labels(const DdosArguments& a, const std::string& path, const eval::LabelOptions& options,
                           const series::FrameTable& table) {
  auto set = eval::load_labels(path, table, options);
  for (const auto& p : set.problems) {
    if (a.strict && p.reason != "filtered by option") throw base::Error("{}: {}", path, set.summary());
  }
  if (const std::string s = set.summary(); !s.empty()) fmt::print(stderr, "{}: {}\n", path, s);
  return set;
}

void choose_methods(std::vector<std::unique_ptr<eval::AttackMethod>>& all,
                    const std::vector<std::string>& wanted) {
  if (wanted.empty()) return;
  std::string names;
  std::vector<std::unique_ptr<eval::AttackMethod>> chosen;
  for (const auto& name : wanted) {
    bool found = false;
    for (auto& d : all) {
      if (d == nullptr || d->name() != name) continue;
      chosen.push_back(std::move(d));
      found = true;
    }
    if (found) continue;
    for (const auto& d : all) names += d == nullptr ? "" : (names.empty() ? "" : ", ") + d->name();
    throw base::UsageError("--method {}: known methods: {}", name, names);
  }
  all = std::move(chosen);
}

void evaluate_ddos(DdosArguments& a, Context& context) {
  const auto table = series::load_frames(a.store);
  eval::DdosOptions& protocol = a.run.protocol;
  a.periods.resolve(table, protocol.train, protocol.validation, protocol.test);
  protocol.merge_gap_ms = parse_duration_ms(a.merge_gap, "--merge-gap");
  protocol.lead_ms = parse_duration_ms(a.lead, "--lead");
  if (!a.budgets.empty()) a.run.budgets.clear();
  for (const auto& text : a.budgets) {
    const auto budget = eval::Budget::parse(text);
    if (!budget) {
      throw base::UsageError("--budget {}: expected full, clean:10%, clean:5, incomplete:10% or incidents:2",
                             text);
    }
    a.run.budgets.push_back(*budget);
  }
  const auto labels = read_labels(a, a.labels, a.label_options, table);
  if (const auto shift = eval::find_label_shift(table, labels.events))
    fmt::print(stderr, "warning: {}\n", shift->text());
  std::vector<eval::Event> excluded;
  if (!a.exclude.empty()) excluded = read_labels(a, a.exclude, {}, table).events;
  auto detectors = eval::label_free_baselines(table);
  a.learned->append(detectors, context);
  choose_methods(detectors, a.methods);
  const auto result = eval::evaluate_ddos(table, labels.events, excluded, a.run, detectors,
                                          progress_printer(context, "evaluate"), &context.stop);
  fmt::print("{}", eval::ddos_table(result));
  if (a.out.empty()) return;
  fs::create_directories(a.out);
  base::write_file(fs::path(a.out) / "ddos.json", eval::ddos_json(result));
  eval::ReportInput report;
  report.title = "Attack detection";
  report.facts = {fmt::format("Store {}, labels {}.", a.store, a.labels)};
  report.logs = read_logs(a.logs);
  report.ddos = &result;
  report.timelines = a.timelines;
  eval::write_report((fs::path(a.out) / "report.html").string(), report);
}

void add_ddos(Command& evaluate, Context& context) {
  auto a = std::make_shared<DdosArguments>();
  auto* c = evaluate.add_subcommand("ddos", "Compare attack detectors on a labelled store");
  c->add_option("STORE", a->store, "Series store")->required();
  c->add_option("--labels", a->labels, "CSV: node (or prefix), start, end, type")->required();
  c->add_option("--exclude", a->exclude, "CSV of other attacks: neither to be found nor false alarms");
  c->add_option("-o,--out", a->out, "Folder for ddos.json and report.html");
  c->add_option("--log", a->logs, "Training log, or a model's folder, for the report (repeatable)")
      ->group(kAdvancedGroup);
  c->add_option("--timelines", a->timelines, "Attacks with a picture in the report")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  a->periods.add_to(*c);
  c->add_option("--min-flows", a->run.protocol.min_flows, "Leave out nodes with fewer flows in training")
      ->group(kAdvancedGroup);
  c->add_option("--scored", a->run.protocol.scored_feature,
                "Steps count where this feature is above 0; '' for all")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--budget", a->budgets,
                "Budget of labels (repeatable): full, clean:10%, clean:5, incomplete:10%, incidents:2");
  c->add_option("--label-seeds", a->run.label_seeds, "Draws of each budget")->capture_default_str();
  c->add_option("--seed", a->run.seed, "First seed")->capture_default_str()->group(kAdvancedGroup);
  c->add_option("--rate", a->run.rate, "False alarms per node-day that thresholds aim at")
      ->capture_default_str();
  c->add_option("--merge-gap", a->merge_gap, "Alarmed steps closer than this are one episode")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--lead", a->lead, "An alarm up to this long before an attack finds it")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--resamples", a->run.resamples, "Resamples of days for intervals")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--unseen-nodes", a->run.unseen_folds, "Also score each node by a fit on other nodes; folds");
  c->add_flag("--leave-type-out", a->run.leave_type_out, "Also hide one attack type from the fit at a time");
  c->add_option("--method", a->methods, "Only these methods (repeatable)");
  c->add_flag("--internal-only", a->label_options.internal_only, "Only labels whose victim_internal is True")
      ->group(kAdvancedGroup);
  c->add_option("--min-label-flows", a->label_options.min_flows, "Only labels with at least this many flows")
      ->group(kAdvancedGroup);
  c->add_option("--sweep-victims", a->label_options.sweep_victims,
                "An attack on this many nodes at once is a sweep")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_flag("--strict", a->strict, "A bad label is an error");
  a->learned = add_ddos_methods(*c);
  c->footer(
      "Example: netflowgen evaluate ddos store --labels labels.csv --budget full --budget clean:10% -o "
      "report\n"
      "Definitions of all figures: docs/evaluation.md");
  c->callback([a, &context] { evaluate_ddos(*a, context); });
}

}  // namespace

void add_evaluate(Command& app, Context& context) {
  auto* evaluate = app.add_subcommand("evaluate", kEvaluateHelp);
  evaluate->require_subcommand();
  add_ddos(*evaluate, context);
  add_evaluate_anomaly(*evaluate, context);
  add_evaluate_forecast(*evaluate, context);
#ifdef NETFLOWGEN_LEARN
  add_evaluate_role(*evaluate, context);
  add_evaluate_congestion(*evaluate, context);
  add_evaluate_attack_type(*evaluate, context);
#endif
  add_evaluate_holdout(*evaluate, context);
}

}  // namespace netflowgen::cli
