// netflowgen evaluate anomaly: how well anomalies are found without labels. Labels only judge.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/evaluate_forecast.h"
#include "cli/evaluate_tasks.h"
#include "cli/options/detect_options.h"
#include "eval/anomaly/anomaly_method.h"
#include "eval/anomaly/anomaly_results.h"
#include "eval/attacks/baselines.h"
#include "eval/attacks/streamed_methods.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

struct AnomalyArguments {
  std::string store;
  std::string labels;
  std::string model;
  std::string out;
  PeriodTexts periods;
  eval::DdosRunOptions run;
  int threads = 0;
};

std::vector<std::unique_ptr<eval::AttackMethod>> methods_of(const AnomalyArguments& a, Context& context) {
  std::vector<std::unique_ptr<eval::AttackMethod>> methods;
  methods.push_back(eval::ewma_deviation());
  methods.push_back(eval::holt_winters_deviation());
  methods.push_back(eval::ewma_zscore());
  methods.push_back(eval::holt_winters());
  if (a.model.empty()) return methods;
  const std::string model = model_or_shipped(a.model);
  using enum eval::AnomalyLearning;
  for (const auto learning : {kTraining, kAlways})
    methods.push_back(
        eval::anomaly_method(model, learning, a.threads, context.stop, progress_printer(context, "walk")));
  for (auto& m : eval::streamed_methods(model, a.threads, context.stop, progress_printer(context, "model"))) {
    if (m->name() == "netflowgen zero-label") methods.push_back(std::move(m));
  }
  return methods;
}

void evaluate_anomaly(AnomalyArguments& a, Context& context) {
  const auto table = series::load_frames(a.store);
  auto& protocol = a.run.protocol;
  a.periods.resolve(table, protocol.train, protocol.validation, protocol.test);
  protocol.scored_feature.clear();
  eval::LabelOptions label_options;
  label_options.sweep_victims = SIZE_MAX;
  const auto labels = eval::load_labels(a.labels, table, label_options);
  if (const std::string s = labels.summary(); !s.empty()) fmt::print(stderr, "{}: {}\n", a.labels, s);
  const auto result = eval::evaluate_ddos(table, labels.events, {}, a.run, methods_of(a, context),
                                          progress_printer(context, "evaluate"), &context.stop);
  fmt::print("{}", eval::anomaly_table(result));
  if (!a.out.empty()) base::write_file(a.out, eval::anomaly_json(result));
}

}  // namespace

void add_evaluate_anomaly(Command& evaluate, Context& context) {
  auto a = std::make_shared<AnomalyArguments>();
  auto* c = evaluate.add_subcommand("anomaly", "Find anomalies without labels; the labels only judge");
  c->add_option("STORE", a->store, "Series store")->required();
  c->add_option("--labels", a->labels, "CSV: node (or prefix), start, end, type")->required();
  c->add_option("--model", a->model, "Model folder, or default: adds its scores");
  a->periods.add_to(*c);
  c->add_option("--rate", a->run.rate, "False alarms per node-day that thresholds aim at")
      ->capture_default_str();
  c->add_option("--resamples", a->run.resamples, "Resamples of days for intervals")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--seed", a->run.seed, "Of the resamples")->capture_default_str()->group(kAdvancedGroup);
  c->add_option("-o,--out", a->out, "JSON file of the figures");
  c->add_option("--threads", a->threads, "0: all cores")->capture_default_str();
  c->footer(
      "Example: netflowgen evaluate anomaly store --labels labels.csv --model default\n"
      "Definitions of all figures: docs/evaluation.md");
  c->callback([a, &context] { evaluate_anomaly(*a, context); });
}

}  // namespace netflowgen::cli
