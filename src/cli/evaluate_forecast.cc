// netflowgen evaluate forecast: wiring of the forecast protocol to a store, a model and files; evaluate holdout:
// draws the nodes that a model is not to learn from.
#include "cli/evaluate_forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "cli/evaluate_methods.h"
#include "eval/forecast/forecast_baselines.h"
#include "eval/forecast/forecast_eval.h"
#include "eval/forecast/forecaster.h"
#include "eval/holdout.h"
#include "eval/results.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

namespace fs = std::filesystem;

struct ForecastArguments {
  std::string store;
  std::string out;
  PeriodTexts periods;
  eval::ForecastRunOptions run;
  std::vector<std::string> horizons;
  std::vector<std::string> features;
  std::string every = "1h";
  std::string season = "1d";
  std::string holdout;
  double holdout_share = 0;
  uint64_t holdout_seed = 1;
  double correlation = 0.98;
  std::vector<std::string> methods;
  std::vector<std::string> logs;
  std::unique_ptr<ForecastMethods> learned;
};

int64_t steps_of(const std::string& text, int64_t step_ms, const char* option) {
  const int64_t ms = parse_duration_ms(text, option);
  if (ms <= 0 || ms % step_ms != 0)
    throw base::UsageError("{} {}: not a multiple of the store's {} ms steps", option, text, step_ms);
  return ms / step_ms;
}

void resolve(ForecastArguments& a, const series::FrameTable& table) {
  auto& p = a.run.protocol;
  a.periods.resolve(table, p.train, p.validation, p.test);
  p.every_ms = std::max(parse_duration_ms(a.every, "--every"), table.step_ms);
  p.season_ms = steps_of(a.season, table.step_ms, "--season") * table.step_ms;
  p.horizons.clear();
  for (const auto& h : a.horizons) p.horizons.push_back(steps_of(h, table.step_ms, "--horizons"));
  if (p.horizons.empty()) p.horizons = {1};
  std::sort(p.horizons.begin(), p.horizons.end());
  p.horizons.erase(std::unique(p.horizons.begin(), p.horizons.end()), p.horizons.end());
  p.features.clear();
  for (const auto& name : a.features) {
    const auto f = series::find_feature(name);
    if (!f) throw base::UsageError("--feature {}: no such feature; see docs/features.md", name);
    p.features.push_back(*f);
  }
}

std::vector<bool> held_out(const ForecastArguments& a, const series::FrameTable& table) {
  if (!a.holdout.empty()) return eval::read_holdout(a.holdout, table);
  if (a.holdout_share <= 0) return {};
  return eval::draw_holdout(table, {a.run.protocol.train, a.holdout_share, a.correlation, a.holdout_seed});
}

template <typename Method>
void choose(std::vector<std::unique_ptr<Method>>& all, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return;
  std::erase_if(
      all, [&](const auto& m) { return std::find(wanted.begin(), wanted.end(), m->name()) == wanted.end(); });
}

void check_names(const ForecastArguments& a,
                 const std::vector<std::unique_ptr<eval::Forecaster>>& forecasters,
                 const std::vector<std::unique_ptr<eval::NextStepPredictor>>& predictors) {
  std::vector<std::string> names;
  names.reserve(forecasters.size() + predictors.size());
  for (const auto& f : forecasters) names.push_back(f->name());
  for (const auto& p : predictors) {
    if (std::find(names.begin(), names.end(), p->name()) == names.end()) names.push_back(p->name());
  }
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
  for (const auto& m : a.methods) {
    if (std::find(names.begin(), names.end(), m) == names.end())
      throw base::UsageError("--method {}: known methods: {}", m, list);
  }
}

void write_results(const ForecastArguments& a, const eval::ForecastResult& result) {
  fs::create_directories(a.out);
  base::write_file(fs::path(a.out) / "forecast.json", eval::forecast_json(result));
  base::write_file(fs::path(a.out) / "forecast.txt", eval::forecast_table(result));
  eval::ReportInput report;
  report.title = "Forecasts";
  report.facts = {fmt::format("Store {}.", a.store)};
  report.logs = read_logs(a.logs);
  report.forecast = &result;
  eval::write_report((fs::path(a.out) / "report.html").string(), report);
}

void evaluate_forecast(ForecastArguments& a, Context& context) {
  const auto table = series::load_frames(a.store);
  resolve(a, table);
  const auto unseen = held_out(a, table);
  auto forecasters = eval::baseline_forecasters();
  auto predictors = eval::baseline_predictors();
  const eval::Bins* bins =
      a.learned->append(table, a.run.protocol.horizons, forecasters, predictors, context);
  check_names(a, forecasters, predictors);
  choose(forecasters, a.methods);
  choose(predictors, a.methods);
  const auto result = eval::evaluate_forecast(table, unseen, a.run, forecasters, predictors, bins,
                                              context.stop, progress_printer(context, "evaluate"));
  fmt::print("{}", eval::forecast_table(result));
  if (!a.out.empty()) write_results(a, result);
}

struct HoldoutArguments {
  std::string store;
  std::string out;
  std::string period;
  eval::HoldoutOptions options;
};

void holdout(HoldoutArguments& a, const Context&) {
  const auto table = series::load_frames(a.store);
  a.options.period = a.period.empty()
                         ? eval::Period{table.first_step * table.step_ms, table.end_step * table.step_ms}
                         : parse_period(a.period, "--train");
  check_covers(table.first_step * table.step_ms, table.end_step * table.step_ms, a.options.period, a.period,
               "--train");
  const auto chosen = eval::draw_holdout(table, a.options);
  const auto n = std::count(chosen.begin(), chosen.end(), true);
  if (n == 0)
    throw base::Error("no cluster of similar nodes is small enough for a share of {}", a.options.share);
  base::write_file(a.out, eval::holdout_text(table, chosen));
  auto clusters = eval::look_alikes(table, a.options);
  std::sort(clusters.begin(), clusters.end());
  const auto kinds = std::unique(clusters.begin(), clusters.end()) - clusters.begin();
  fmt::print("{} of {} nodes held out, {} clusters of similar nodes; written to {}\n", n, table.nodes.size(),
             kinds, a.out);
}

}  // namespace

void add_evaluate_holdout(Command& evaluate, Context& context) {
  auto a = std::make_shared<HoldoutArguments>();
  auto* c = evaluate.add_subcommand("holdout", "Draw nodes to leave out of training, similar nodes together");
  c->add_option("STORE", a->store, "Series store")->required();
  c->add_option("-o,--out", a->out, "File to write, a node name a line")->required();
  c->add_option("--share", a->options.share, "Largest share of the nodes to draw")
      ->capture_default_str()
      ->check(in_range(0.0, 1.0));
  c->add_option("--train", a->period, "Period to compare nodes in, FROM/TO (default: all)");
  c->add_option("--correlation", a->options.correlation,
                "Nodes whose hourly mean log volumes correlate at least this much are similar")
      ->capture_default_str();
  c->add_option("--seed", a->options.seed, "Seed of the draw")->capture_default_str();
  c->footer(
      "Example: netflowgen evaluate holdout store --train 2013-07-01/2013-08-01 -o holdout.txt\n"
      "Then: netflowgen pretrain store --exclude-nodes holdout.txt ..., evaluate forecast --holdout "
      "holdout.txt");
  c->callback([a, &context] { holdout(*a, context); });
}

void add_evaluate_forecast(Command& evaluate, Context& context) {
  auto a = std::make_shared<ForecastArguments>();
  auto* c = evaluate.add_subcommand("forecast", "Compare forecasters on a store");
  c->add_option("STORE", a->store, "Series store")->required();
  c->add_option("-o,--out", a->out, "Folder for forecast.json, forecast.txt and report.html");
  c->add_option("--log", a->logs, "Training log, or a model's folder, for the report (repeatable)");
  a->periods.add_to(*c);
  c->add_option("--horizons", a->horizons, "How far ahead, e.g. 5m,1h,4h (default: one step)")
      ->delimiter(',');
  c->add_option("--feature", a->features,
                "What to forecast (repeatable; default: every volume that is given)");
  c->add_option("--every", a->every, "Interval of origins; the minute shifts")->capture_default_str();
  c->add_option("--season", a->season, "Season of seasonal naive and Holt-Winters")->capture_default_str();
  auto* file = c->add_option("--holdout", a->holdout, "File of unseen nodes, a name a line");
  c->add_option("--holdout-share", a->holdout_share,
                "Share of nodes to draw as unseen, similar nodes together")
      ->check(in_range(0.0, 0.9))
      ->excludes(file);
  c->add_option("--holdout-seed", a->holdout_seed, "Seed of that draw")->capture_default_str();
  c->add_option("--method", a->methods, "Only these methods (repeatable)");
  c->add_option("--fans", a->run.fans, "Series with a picture in the report")->capture_default_str();
  c->add_option("--seed", a->run.seed, "Seed of methods that draw at random")->capture_default_str();
  a->learned = add_forecast_methods(*c);
  c->footer(
      "Example: netflowgen evaluate forecast store --model model --holdout holdout.txt --horizons 5m,1h,4h "
      "-o report\n"
      "Definitions of all figures: docs/evaluation.md");
  c->callback([a, &context] { evaluate_forecast(*a, context); });
}

}  // namespace netflowgen::cli
