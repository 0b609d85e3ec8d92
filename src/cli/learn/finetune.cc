// netflowgen finetune: a pre-trained model and few labels -> the same model with a task head.
#include <fmt/format.h>

#include <cmath>
#include <span>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/learn/finetune_attack_type.h"
#include "cli/learn/finetune_congestion.h"
#include "cli/learn/finetune_role.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "detect/calibration.h"
#include "eval/attacks/attack_method.h"
#include "eval/attacks/protocol.h"
#include "eval/label_shift.h"
#include "eval/labels.h"
#include "learn/feature_cache.h"
#include "learn/head.h"
#include "learn/pretrain.h"
#include "learn/tune.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"
#include "study/attack_methods.h"
#include "study/calibration.h"
#include "study/finetune.h"
#include "study/head_file.h"

namespace netflowgen::cli {
namespace {

struct FinetuneArguments {
  std::string task = "ddos";
  std::string store;
  std::vector<std::string> labels;
  std::string train;
  std::string validation;
  std::string budget = "full";
  eval::LabelOptions label_options;
  uint64_t min_flows = 0;
  bool strict = false;
  study::FinetuneOptions study;
  study::HeadChoice head;
  eval::NodeClassOptions columns;           // of task role
  study::TypeExampleOptions type_examples;  // of task attack-type
};

eval::Period period_of(const std::string& text, const series::FrameTable& table, const char* option) {
  const auto r = range_in(text, table, option);
  return {r.from * table.step_ms, r.to * table.step_ms};
}

eval::DdosOptions protocol_of(const FinetuneArguments& o, const series::FrameTable& table) {
  eval::DdosOptions p;
  p.min_flows = o.min_flows;
  if (table.missing[series::kFlowsIn]) p.scored_feature.clear();
  p.train = period_of(o.train, table, "--train");
  p.validation = {p.train.to_ms - (p.train.to_ms - p.train.from_ms) / 4, p.train.to_ms};
  if (!o.validation.empty()) p.validation = period_of(o.validation, table, "--validation");
  p.test = {};  // nothing is tested here
  return p;
}

void report_tuning(const learn::TuneOptions& tune, const learn::TuneResult& r) {
  if (std::isnan(r.before)) {
    fmt::print("tuned {}: {} steps; no labelled attack in the validation period shows whether it helps\n",
               tune.what, r.steps);
  } else {
    fmt::print("tuned {}: {} of {} steps kept; label loss on validation {:.4f}, before {:.4f}\n", tune.what,
               r.kept, r.steps, r.best, r.before);
  }
}

eval::LabelSet labels_of(const FinetuneArguments& o, const series::FrameTable& table) {
  if (o.labels.empty()) return {};
  auto labels = eval::load_labels(o.labels, table, o.label_options);
  const std::string left_out = labels.summary();
  for (const auto& p : labels.problems) {
    if (o.strict && p.reason != "filtered by option") throw base::Error("{}", left_out);
  }
  // Without labels task anomaly is calibrated; where all labels are wrong, the user is told so instead.
  if (labels.events.empty() && labels.benign.empty() && labels.ledger.in > 0)
    throw base::Error("no label can be used: {}", left_out);
  if (!left_out.empty()) fmt::print(stderr, "{}\n", left_out);
  if (const auto shift = eval::find_label_shift(table, labels.events))
    fmt::print(stderr, "warning: {}\n", shift->text());
  return labels;
}

void write_calibration(const std::string& folder, const detect::Calibration& calibration,
                       const series::FrameTable& table) {
  for (const auto& c : study::save_calibration(folder, calibration, table).tasks)
    fmt::print("{}\n", study::text_of(c));
}

// No attack is labelled: as `netflowgen calibrate` does.
void calibrate_without_labels(const study::FinetuneOptions& study, Context& context,
                              const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  if (!study.frozen())
    throw base::Error("--tune {}: no attack is labelled, so there is nothing to tune with", study.tune.what);
  const auto caches =
      std::make_shared<study::FeatureCaches>(learn::Backbone(study.model, study.device, study.threads),
                                             context.stop, progress_printer(context, "walk"));
  const auto calibration =
      study::calibrate_model(study.model, {study.rate, 1, study.head.seed}, caches, task, protocol);
  study::copy_model(study.model, study.out);
  fmt::print(
      "no attack is labelled: no head is trained; what needs no labels is calibrated and written to {}\n",
      study.out);
  write_calibration(study.out, calibration, *task.table);
}

// An option that changes nothing is refused: whoever compares two runs would otherwise compare a run with itself.
void refuse_idle_options(const Command& c, const std::string& tune) {
  for (const char* option : {"--tune-steps", "--tune-rate", "--rank", "--keep"}) {
    if (c.count(option) > 0 && tune == "none")
      throw base::UsageError("{} does nothing without --tune adapters or --tune all", option);
  }
  if (c.count("--rank") > 0 && tune == "all")
    throw base::UsageError("--rank is of --tune adapters; --tune all has none");
}

constexpr const char* kOnlyDdos[] = {"--rate",   "--validation",    "--budget", "--min-flows",
                                     "--strict", "--internal-only", "--head",   "--min-label-flows",
                                     "--trees",  "--members",       "--seed",   "--tune"};
constexpr const char* kOnlyRole[] = {"--node-column", "--class-column"};
constexpr const char* kOnlyAttackType[] = {"--without-types"};

void refuse_other_tasks_options(const Command& c, const std::string& task) {
  const auto refuse = [&](std::span<const char* const> options) {
    for (const char* option : options) {
      if (c.count(option) > 0) throw base::UsageError("{} does nothing with --task {}", option, task);
    }
  };
  if (task != "ddos") refuse(kOnlyDdos);
  if (task != "role") refuse(kOnlyRole);
  if (task != "attack-type") refuse(kOnlyAttackType);
  if (task == "attack-type" && c.count("--train") > 0)
    throw base::UsageError("--train does nothing with --task attack-type, which learns from all labels");
  if (task == "congestion" && c.count("--labels") > 0)
    throw base::UsageError("--task congestion needs no labels: leave --labels out");
}

void finetune_other_task(const FinetuneArguments& o, const study::FinetuneOptions& study, Context& context) {
  const std::string model = model_or_shipped(study.model);
  const std::string out = study.out.empty() ? study.model : study.out;
  if (o.task == "congestion")
    return run_finetune_congestion({o.store, model, out, o.train, study.device, study.threads}, context);
  if (o.task == "attack-type")
    return run_finetune_attack_type({o.store, o.labels, model, out, o.type_examples}, context);
  RoleFinetune role{o.store, o.labels, o.train, o.columns, {}};
  role.study.model = model;
  role.study.out = out;
  role.study.device = study.device;
  role.study.threads = study.threads;
  run_finetune_role(role, context);
}

void run_finetune(const FinetuneArguments& o, Context& context) {
  study::FinetuneOptions study = o.study;
  if (study.model.empty() && study.out.empty())
    throw base::UsageError("give -o FOLDER: the model that comes with the program is not changed");
  if (o.task != "ddos") return finetune_other_task(o, study, context);
  study.model = model_or_shipped(study.model);
  study.head = study::choose_head(o.head, o.study.head);
  if (!study.frozen() && (study.out.empty() || study.out == study.model))
    throw base::UsageError("--tune changes the model itself: give another folder to write it to with -o");
  if (study.out.empty()) study.out = study.model;
  const auto table = series::load_frames(o.store);
  const auto labels = labels_of(o, table);
  const eval::DdosOptions protocol = protocol_of(o, table);
  const auto budget = eval::Budget::parse(o.budget);
  if (!budget)
    throw base::UsageError("--budget {}: expected full, clean:10%, clean:5, incomplete:10% or incidents:2",
                           o.budget);
  const auto data = eval::prepare_ddos(table, labels.events, {}, protocol);
  auto task = eval::with_budget(eval::full_task(data, protocol), *budget, study.head.seed);
  const size_t denied = eval::deny(task, table, labels.benign);
  if (labels.events.empty()) return calibrate_without_labels(study, context, task, protocol);
  const auto walk = progress_printer(context, "walk");
  if (const auto r = study::tune_backbone(study, task, context.stop, walk, progress_printer(context, "tune")))
    report_tuning(study.tune, *r);
  const auto caches = std::make_shared<study::FeatureCaches>(
      learn::Backbone(study.frozen() ? study.model : study.out, study.device, study.threads), context.stop,
      walk);
  if (study.frozen()) study::start_from(model::ModelFolder(study.model), study.head);
  study::FrozenDetector detector("netflowgen", caches, study.head);
  detector.fit(task, study.head.seed);
  if (study.frozen()) study::copy_model(study.model, study.out);
  learn::add_head(
      study.out, detector.head(),
      fmt::format("- task head `ddos`: {} labelled events, budget {}, loss {}, {} backbone\n",
                  task.events.size(), budget->name(), study.head.loss, study.frozen() ? "frozen" : "tuned"));
  const auto calibration =
      study::calibrate_all(study, study.head.spec.name, caches, detector, task, protocol);
  fmt::print("head ddos trained on {} events{}; model written to {}\n", task.events.size(),
             denied > 0 ? fmt::format(" and {} denied steps", denied) : "", study.out);
  write_calibration(study.out, calibration, table);
}

}  // namespace

void add_finetune(Command& app, Context& context) {
  auto o = std::make_shared<FinetuneArguments>();
  auto* c = app.add_subcommand("finetune", kFinetuneHelp);
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->study.model,
                "Model folder to start from [the one that comes with the program]");
  c->add_option(
      "--labels", o->labels,
      "CSV: node or prefix, start, end, type; several files, e.g. that of netflowgen feedback; without "
      "them only what needs no labels is calibrated");
  c->add_option(
       "--task", o->task,
       "ddos; attack-type (names types; STORE may be a folder of networks); role (what kind of host a node "
       "is: --labels has node, class); congestion (no labels)")
      ->check(one_of({"ddos", "attack-type", "role", "congestion"}))
      ->capture_default_str();
  c->add_option("--node-column", o->columns.node_column, "Of --task role: the labels' column of nodes")
      ->group(kAdvancedGroup);
  c->add_option("--class-column", o->columns.class_column, "Of --task role: the labels' column of classes")
      ->group(kAdvancedGroup);
  c->add_option("--without-types", o->type_examples.without,
                "Of --task attack-type: labels that are no types")
      ->delimiter(',')
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--rate", o->study.rate, "False alarms per node-day that alerts aim at")
      ->check(kPositive)
      ->capture_default_str();
  c->add_option("-o,--out", o->study.out, "Model folder to write (default: into --model)");
  c->add_option("--train", o->train, "Labelled period FROM/TO, validation included (default: all)");
  c->add_option("--validation", o->validation,
                "Its late part, where tuning is judged (default: the last quarter)");
  c->add_option("--budget", o->budget,
                "Use only a part of the labels: full, clean:10%, incomplete:10%, incidents:2")
      ->capture_default_str();
  c->add_option("--min-flows", o->min_flows, "Leave out nodes with fewer flows in the labelled period")
      ->group(kAdvancedGroup);
  c->add_flag("--internal-only", o->label_options.internal_only, "Only labels whose victim_internal is True")
      ->group(kAdvancedGroup);
  c->add_option("--min-label-flows", o->label_options.min_flows, "Only labels with at least this many flows")
      ->group(kAdvancedGroup);
  c->add_flag("--strict", o->strict, "A bad label is an error");
  add_head_options(*c, o->head);
  c->add_option("--seed", o->study.head.seed, "Of draws of labels, trees and networks")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  auto& t = o->study.tune;
  c->add_option("--tune", t.what, "Train the Transformer too: none, adapters (low-rank), all (every weight)")
      ->check(one_of({"none", "adapters", "all"}))
      ->capture_default_str();
  c->add_option("--tune-steps", t.steps, "Optimiser steps at most")
      ->check(kPositive)
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--tune-rate", t.learning_rate, "Peak learning rate; 0: 2e-3 for adapters, 3e-4 for all")
      ->check(kNonNegative)
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--rank", t.rank, "Of adapters")
      ->check(in_range(1, 1024))
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--keep", t.keep, "Weight of the pre-training loss while tuning")
      ->check(kNonNegative)
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--device", o->study.device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->study.threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen finetune store --model model --labels labels.csv -o detector");
  c->callback([o, c, &context] {
    refuse_other_tasks_options(*c, o->task);
    refuse_idle_options(*c, o->study.tune.what);
    run_finetune(*o, context);
  });
}

}  // namespace netflowgen::cli
