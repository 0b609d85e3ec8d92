// netflowgen finetune: a pre-trained model and few labels -> the same model with a task head.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/learn_methods.h"
#include "cli/options/learn_options.h"
#include "detect/calibration.h"
#include "eval/attacks/attack_method.h"
#include "eval/attacks/operating.h"
#include "eval/attacks/protocol.h"
#include "eval/labels.h"
#include "learn/feature_cache.h"
#include "learn/head.h"
#include "learn/pretrain.h"
#include "learn/tune.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

struct FinetuneOptions {
  std::string store;
  std::string model;
  std::vector<std::string> labels;
  double rate = 0.1;
  std::string out;
  std::string task = "ddos";
  std::string train;
  std::string validation;
  std::string budget = "full";
  eval::LabelOptions label_options;
  uint64_t min_flows = 0;
  bool strict = false;
  learn::HeadOptions head = default_ddos_head();
  learn::TuneOptions tune{.what = "none"};
  std::string device = "cpu";
  int threads = 0;
};

eval::Period period_of(const learn::StepRange& r, const series::FrameTable& table) {
  return {std::max(r.from, table.first_step) * table.step_ms, std::min(r.to, table.end_step) * table.step_ms};
}

eval::DdosOptions protocol_of(const FinetuneOptions& o, const series::FrameTable& table) {
  eval::DdosOptions p;
  p.min_flows = o.min_flows;
  if (table.missing[series::kFlowsIn]) p.scored_feature.clear();
  p.train = period_of(parse_range(o.train, table.step_ms, "--train"), table);
  p.validation = {p.train.to_ms - (p.train.to_ms - p.train.from_ms) / 4, p.train.to_ms};
  if (!o.validation.empty())
    p.validation = period_of(parse_range(o.validation, table.step_ms, "--validation"), table);
  p.test = {};  // nothing is tested here
  return p;
}

void copy_model(const std::string& from, const std::string& to) {
  if (base::fs::exists(to) && base::fs::equivalent(from, to)) return;
  base::fs::create_directories(to);
  for (const char* name : {"model.safetensors", "config.json", "tokens.json", "card.md"}) {
    base::write_file(base::fs::path(to) / name, base::read_file(base::fs::path(from) / name));
  }
  const auto adapters = base::fs::path(from) / model::kAdaptersFile;
  const auto own = base::fs::path(to) / model::kAdaptersFile;
  if (base::fs::exists(adapters)) {
    base::write_file(own, base::read_file(adapters));
  } else {
    base::fs::remove(own);  // of an older model
  }
}

// Tunes the Transformer where asked, else leaves it; `out` then holds what heads are fitted to.
void tune_backbone(const FinetuneOptions& o, const std::string& out, const eval::DdosTask& task,
                   Context& context) {
  if (o.tune.what == "none") return;
  learn::Backbone backbone(o.model, o.device, o.threads);
  std::vector<learn::Example> examples;
  {
    BankCache banks(learn::Backbone(o.model, o.device, o.threads), context.stop,
                    progress_printer(context, "walk"));
    examples = tuning_examples(task, banks.of(*task.table), o.head.seed);
  }
  auto options = o.tune;
  options.loss = o.head.loss;
  options.seed = o.head.seed;
  const auto r =
      learn::tune(backbone, *task.table, examples, options, context.stop, progress_printer(context, "tune"));
  copy_model(o.model, out);
  learn::save_tuned(backbone, out,
                    fmt::format("- tuned: {}, {} numbers, {} steps, loss {}\n", o.tune.what, r.trained,
                                r.kept, o.head.loss));
  if (std::isnan(r.before)) {
    fmt::print("tuned {}: {} steps; no labelled attack in the validation period says whether it helps\n",
               o.tune.what, r.steps);
  } else {
    fmt::print("tuned {}: {} of {} steps kept; label loss on validation {:.4f}, before {:.4f}\n", o.tune.what,
               r.kept, r.steps, r.best, r.before);
  }
}

// What a number of false alarms per node-day costs on validation, with scores that did not see the row's day.
detect::TaskCalibration calibrate_task(const FinetuneOptions& o, eval::AttackMethod& detector,
                                       const eval::DdosTask& task, const eval::DdosOptions& protocol) {
  detect::TaskCalibration c;
  c.scored = protocol.scored_feature;
  c.default_rate = o.rate;
  c.from_ms = protocol.validation.from_ms;
  c.to_ms = protocol.validation.to_ms;
  c.node_days = eval::validation_node_days(task);
  c.timing = eval::timing_of(protocol, task.table->step_ms);
  const auto own = detector.score(*task.table);
  const auto scores = eval::cross_fit(detector, task, own, o.head.seed, c.in_sample);
  c.thresholds = eval::calibrate_on_validation(task, protocol, scores, &detector, eval::rates_with(o.rate));
  return c;
}

// detect.json: the task's own head, and the label-free injection head as "anomaly", which policies may turn on.
detect::Calibration calibrate_all(const FinetuneOptions& o, const std::shared_ptr<BankCache>& banks,
                                  FrozenDetector& detector, const eval::DdosTask& task,
                                  const eval::DdosOptions& protocol) {
  detect::Calibration all;
  all.tasks.push_back(calibrate_task(o, detector, task, protocol));
  all.tasks.back().name = o.task;
  all.tasks.back().score = std::string(detect::kHeadScore) + o.task;
  if (banks->backbone().spec().inject) {
    InjectionDetector anomaly(banks);
    all.tasks.push_back(calibrate_task(o, anomaly, task, protocol));
    all.tasks.back().name = "anomaly";
    all.tasks.back().score = detect::kInjectScore;
    all.tasks.back().enabled = false;
  }
  return all;
}

void say(const detect::TaskCalibration& c) {
  const auto t = detect::threshold_for(c.thresholds, c.default_rate);
  fmt::print(
      "{}: {:.4g} is {:g} false alarms per node-day on {:.4g} node-days of validation{}{}\n", c.name, t.on,
      c.default_rate, c.node_days,
      c.default_rate * c.node_days < 1 ? ", too few to hold one: it stands above all benign scores" : "",
      c.in_sample ? "; too few labelled days to cross-fit, so it may be too low" : "");
}

void run_finetune(const FinetuneOptions& o, Context& context) {
  if (o.task != "ddos") throw base::UsageError("--task {}: known tasks: ddos", o.task);
  if (o.tune.what != "none" && (o.out.empty() || o.out == o.model))
    throw base::UsageError("--tune changes the model itself: give another folder to write it to with -o");
  const auto table = series::load_frames(o.store);
  const auto labels = eval::load_labels(o.labels, table, o.label_options);
  for (const auto& p : labels.problems) {
    if (o.strict && p.reason != "filtered by option") throw base::Error("{}", labels.summary());
  }
  if (const std::string s = labels.summary(); !s.empty()) fmt::print(stderr, "{}\n", s);
  const eval::DdosOptions protocol = protocol_of(o, table);
  const auto budget = eval::Budget::parse(o.budget);
  if (!budget)
    throw base::UsageError("--budget {}: expected full, clean:10%, clean:5, incomplete:10% or incidents:2",
                           o.budget);
  const auto data = eval::prepare_ddos(table, labels.events, {}, protocol);
  auto task = eval::with_budget(eval::full_task(data, protocol), *budget, o.head.seed);
  const size_t denied = eval::deny(task, table, labels.benign);
  const std::string out = o.out.empty() ? o.model : o.out;
  const bool frozen = o.tune.what == "none";
  tune_backbone(o, out, task, context);
  const auto banks = std::make_shared<BankCache>(learn::Backbone(frozen ? o.model : out, o.device, o.threads),
                                                 context.stop, progress_printer(context, "walk"));
  FrozenDetector detector("netflowgen", banks, o.head);
  detector.fit(task, o.head.seed);
  if (frozen) copy_model(o.model, out);
  learn::add_head(out, detector.head(),
                  fmt::format("- task head `ddos`: {} labelled events, budget {}, loss {}, {} backbone\n",
                              task.events.size(), budget->name(), o.head.loss, frozen ? "frozen" : "tuned"));
  const auto calibration = calibrate_all(o, banks, detector, task, protocol);
  base::write_file(base::fs::path(out) / detect::kCalibrationFile, calibration.to_json());
  fmt::print("head ddos trained on {} events{}; model written to {}\n", task.events.size(),
             denied > 0 ? fmt::format(" and {} denied steps", denied) : "", out);
  for (const auto& c : calibration.tasks) say(c);
}

}  // namespace

void add_finetune(CLI::App& app, Context& context) {
  auto o = std::make_shared<FinetuneOptions>();
  auto* c = app.add_subcommand("finetune", "Teach a pre-trained model a task with few labels");
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Pre-trained model folder")->required();
  c->add_option("--labels", o->labels,
                "CSV: node or prefix, start, end, type; several files, e.g. that of netflowgen feedback")
      ->required();
  c->add_option("--rate", o->rate, "False alarms per node-day that alerts aim at")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c->add_option("-o,--out", o->out, "Model folder to write (default: into --model)");
  c->add_option("--task", o->task, "ddos")->capture_default_str();
  c->add_option("--train", o->train, "Labelled period FROM/TO, validation included (default: all)");
  c->add_option("--validation", o->validation, "Its late part (default: the last quarter)");
  c->add_option("--budget", o->budget,
                "Use only so many labels: full, clean:10%, incomplete:10%, incidents:2")
      ->capture_default_str();
  c->add_option("--min-flows", o->min_flows, "Leave out nodes with fewer flows in the labelled period");
  c->add_flag("--internal-only", o->label_options.internal_only, "Only labels whose victim_internal is True");
  c->add_option("--min-label-flows", o->label_options.min_flows, "Only labels with so many flows");
  c->add_flag("--strict", o->strict, "A bad label is an error");
  add_head_options(*c, o->head);
  c->add_option("--seed", o->head.seed, "")->capture_default_str();
  auto& t = o->tune;
  c->add_option("--tune", t.what, "Train the Transformer too: none, adapters (low-rank), all (every weight)")
      ->check(CLI::IsMember({"none", "adapters", "all"}))
      ->capture_default_str();
  c->add_option("--tune-steps", t.steps, "Optimiser steps at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  c->add_option("--tune-rate", t.learning_rate, "Peak learning rate; 0: 2e-3 for adapters, 3e-4 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--rank", t.rank, "Of adapters")->check(CLI::Range(1, 1024))->capture_default_str();
  c->add_option("--keep", t.keep, "Weight of pre-training's loss while tuning")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen finetune store --model model --labels labels.csv -o detector");
  c->callback([o, &context] { run_finetune(*o, context); });
}

}  // namespace netflowgen::cli
