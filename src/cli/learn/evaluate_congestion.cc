// netflowgen evaluate congestion: how good probabilities of passing a threshold are.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/evaluate_forecast.h"
#include "cli/evaluate_tasks.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "eval/attacks/baselines.h"
#include "eval/congestion/congestion_eval.h"
#include "series/features.h"
#include "series/store.h"
#include "study/forecast_models.h"
#include "study/forecast_trees.h"

namespace netflowgen::cli {
namespace {

struct CongestionArguments {
  std::string store;
  std::string out;
  PeriodTexts periods;
  std::vector<std::string> features;
  std::vector<std::string> horizons;
  std::string capacities;
  double share = 0.8;
  double quantile = 0;
  std::string every = "1h";
  std::string history = "0s";
  std::string model;
  std::string device = "cpu";
  study::TreeOptions trees;
  bool with_trees = false;
  eval::CongestionOptions run;
};

std::vector<int> features_of(const CongestionArguments& a, const series::FrameTable& table) {
  std::vector<int> features;
  for (const auto& name : a.features) {
    const auto f = series::find_feature(name);
    if (!f) throw base::UsageError("--feature {}: no such feature; see docs/features.md", name);
    features.push_back(*f);
  }
  if (!features.empty()) return features;
  for (const int f : {series::kBytesIn, series::kBytesOut}) {
    if (!table.missing[static_cast<size_t>(f)]) features.push_back(f);
  }
  if (features.empty()) throw base::Error("{} gives no bytes; name another feature with --feature", a.store);
  return features;
}

eval::Thresholds thresholds_of(const CongestionArguments& a, const series::FrameTable& table) {
  if (a.capacities.empty()) return eval::own_quantiles(table, a.run.train, a.quantile, a.run.features);
  const auto capacities = eval::load_capacities(a.capacities, table);
  if (capacities.unknown_nodes > 0) {
    fmt::print(stderr, "{}: {} capacities of nodes that the store lacks (first: {})\n", a.capacities,
               capacities.unknown_nodes, capacities.first_unknown);
  }
  return eval::share_of_capacity(table, capacities, a.share, a.run.features);
}

// Every horizon, and what the model forecasts before the last of them.
std::vector<int64_t> leads_of(const std::vector<int64_t>& horizons, const study::ForecastModels* models) {
  std::vector<int64_t> leads = horizons;
  if (models != nullptr) {
    leads.clear();
    for (const int l : models->first().spec().input.leads) {
      if (l <= horizons.back()) leads.push_back(l);
    }
  }
  std::sort(leads.begin(), leads.end());
  if (leads.empty() || leads.front() > horizons.front())
    throw base::UsageError("--horizons {}: the model forecasts from {} steps ahead on", horizons.front(),
                           leads.empty() ? 0 : leads.front());
  return leads;
}

void evaluate_congestion(CongestionArguments& a, Context& context) {
  if (a.capacities.empty() == (a.quantile <= 0))
    throw base::UsageError(
        "give either --capacity FILE, or --quantile Q of each series' own training values");
  const auto table = series::load_frames(a.store);
  a.periods.resolve(table, a.run.train, a.run.validation, a.run.test);
  a.run.features = features_of(a, table);
  const auto horizons = parse_steps(a.horizons, table.step_ms, "--horizons");
  if (!horizons.empty()) a.run.horizons.assign(horizons.begin(), horizons.end());
  std::sort(a.run.horizons.begin(), a.run.horizons.end());
  a.run.every_ms = std::max(parse_duration_ms(a.every, "--every"), table.step_ms);
  std::vector<std::unique_ptr<eval::Forecaster>> forecasters;
  std::vector<std::unique_ptr<eval::NextStepPredictor>> unused;
  std::shared_ptr<study::ForecastModels> models;
  if (!a.model.empty()) {
    models = std::make_shared<study::ForecastModels>(
        std::vector<std::string>{model_or_shipped(a.model)}, a.device, a.trees.threads,
        parse_duration_ms(a.history, "--history"), context.stop, progress_printer(context, "walk"));
    models->check(table, {});
    study::add_model_methods(models, false, forecasters, unused);
  }
  a.trees.stop = &context.stop;
  if (a.with_trees) forecasters.push_back(study::tree_forecaster(a.trees));
  a.run.leads = leads_of(a.run.horizons, models.get());
  const auto result = eval::evaluate_congestion(table, thresholds_of(a, table), a.run, forecasters,
                                                context.stop, progress_printer(context, "evaluate"));
  fmt::print("{}", eval::congestion_table(result, table));
  if (!a.out.empty()) base::write_file(a.out, eval::congestion_json(result, table));
}

}  // namespace

void add_evaluate_congestion(Command& evaluate, Context& context) {
  auto a = std::make_shared<CongestionArguments>();
  auto* c = evaluate.add_subcommand("congestion", "Probabilities that a volume passes a threshold");
  c->add_option("STORE", a->store, "Series store")->required();
  c->add_option("--capacity", a->capacities,
                "CSV: node, capacity in bit/s (10G); the threshold is a share of it");
  c->add_option("--share", a->share, "That share")->check(kPositive)->capture_default_str();
  c->add_option("--quantile", a->quantile, "Instead: this quantile of each series' own training values")
      ->check(in_range(0.0, 1.0));
  c->add_option("--feature", a->features, "Feature (repeatable; default: bytes_in and bytes_out)");
  c->add_option("--horizons", a->horizons, "Passed within, e.g. 1h,6h (default: 1, 6 and 12 steps)")
      ->delimiter(',');
  c->add_option("--model", a->model, "Model folder, or default");
  c->add_flag("--trees", a->with_trees, "Also XGBoost's quantile forecasts, trained on the training period");
  a->periods.add_to(*c);
  c->add_option("--every", a->every, "Interval of the steps from which is forecast")->capture_default_str();
  c->add_option("--history", a->history, "History that the model reads before the first of them (0s: all)")
      ->capture_default_str();
  c->add_option("-o,--out", a->out, "JSON file of the figures");
  c->add_option("--resamples", a->run.resamples, "Resamples of days for intervals")
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--device", a->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", a->trees.threads, "0: all cores")->capture_default_str();
  c->footer(
      "Example: netflowgen evaluate congestion store --capacity links.csv --model default\n"
      "Definitions of all figures: docs/evaluation.md");
  c->callback([a, &context] { evaluate_congestion(*a, context); });
}

}  // namespace netflowgen::cli
