// netflowgen forecast: one node's future as a table, CSV or a page with pictures.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/nan.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options/detect_options.h"
#include "eval/congestion.h"
#include "eval/forecast/forecast_calibration.h"
#include "eval/forecast/forecast_protocol.h"
#include "eval/forecast/forecaster.h"
#include "eval/report/report.h"
#include "eval/report/svg.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"
#include "study/forecast_models.h"

namespace netflowgen::cli {
namespace {

struct ForecastOptions {
  std::string store;
  std::vector<std::string> models;
  std::string node;
  std::string at;
  std::string feature;
  std::string format = "table";
  std::string device = "cpu";
  int threads = 0;
  std::string capacity;
  double share = 0.8;
  double above = 0;

  bool congestion() const { return !capacity.empty() || above > 0; }
};

size_t find_node(const series::FrameTable& table, const ForecastOptions& o) {
  const auto it = std::find(table.nodes.begin(), table.nodes.end(), o.node);
  if (it == table.nodes.end()) {
    throw base::Error("{} has no node '{}'; see `netflowgen inspect {}` for its {} nodes", o.store, o.node,
                      o.store, table.nodes.size());
  }
  return static_cast<size_t>(it - table.nodes.begin());
}

// The models' forecast of one node's volumes at one origin.
struct Said {
  std::string node;
  int64_t step = 0;             // the origin
  std::vector<int> features;    // of the models' volumes
  std::vector<size_t> volumes;  // those asked for, indices into features
  std::vector<int> leads;       // as the model has them, in any order
  std::vector<float> levels;    // of the quantiles
  eval::Forecast forecast;      // of every volume

  const series::Feature& feature(size_t volume) const {
    return series::kFeatures[static_cast<size_t>(features[volume])];
  }
  std::span<const float> at(size_t volume, size_t lead) const {
    return forecast.quantiles_at(forecast.at(0, volume, lead));
  }
};

// A volume of which the node has no value up to row `end` has no forecast: unknown is not zero. Error: none has one.
void forget_unknown(const series::FrameTable& table, size_t node, size_t end, Said& said) {
  size_t known = 0;
  for (size_t v = 0; v < said.features.size(); ++v) {
    bool seen = false;
    for (size_t row = table.offsets[node]; row < end && !seen; ++row)
      seen = !std::isnan(table.frame(row)[static_cast<size_t>(said.features[v])]);
    known += seen ? 1 : 0;
    for (size_t l = 0; !seen && l < said.leads.size(); ++l)
      std::ranges::fill(said.forecast.quantiles_at(said.forecast.at(0, v, l)), base::kNaN);
  }
  if (known > 0) return;
  throw base::Error(
      "nothing is known of {} up to {}: no value of what the model forecasts was ever observed, so there is "
      "nothing to forecast from",
      said.node, base::format_time(said.step * table.step_ms));
}

std::string cell(float value, bool csv) {
  if (std::isnan(value)) return csv ? "," : fmt::format("{:>11}", "-");
  return csv ? fmt::format(",{:.6g}", value) : fmt::format("{:>11.5g}", value);
}

void print_rows(const series::FrameTable& table, const Said& said, bool csv) {
  if (!csv)
    fmt::print("forecast of {} made at {} (its last active step)\n", said.node,
               base::format_time(said.step * table.step_ms));
  fmt::print("{}",
             csv ? "node,feature,unit,time" : fmt::format("{:<14}{:<9}{:<22}", "feature", "unit", "time"));
  for (const float q : said.levels)
    fmt::print("{}", csv ? fmt::format(",q{:02.0f}", q * 100)
                         : fmt::format("{:>11}", fmt::format("q{:02.0f}", q * 100)));
  fmt::print("\n");
  for (const size_t v : said.volumes) {
    const auto& feature = said.feature(v);
    for (size_t l = 0; l < said.leads.size(); ++l) {
      const std::string time = base::format_time((said.step + said.leads[l]) * table.step_ms);
      fmt::print("{}", csv ? fmt::format("{},{},{},{}", said.node, feature.name, feature.unit, time)
                           : fmt::format("{:<14}{:<9}{:<22}", feature.name, feature.unit, time));
      for (const float value : said.at(v, l)) fmt::print("{}", cell(value, csv));
      fmt::print("\n");
    }
  }
}

// Some times as much of the past as of the future, silent steps as zeros.
eval::Chart::Points past_of(const series::FrameTable& table, size_t node, int feature, const Said& said) {
  const int64_t steps = std::clamp<int64_t>(6 * int64_t{std::ranges::max(said.leads)}, 60, 1000);
  eval::Chart::Points past;
  for (int64_t s = std::max(table.first_step, said.step - steps); s <= said.step; ++s) {
    const size_t row = table.lower_bound(node, s);
    const bool there = row < table.offsets[node + 1] && table.steps[row] == s;
    past.emplace_back(static_cast<double>(s * table.step_ms),
                      there ? double{table.frame(row)[static_cast<size_t>(feature)]} : 0.0);
  }
  return past;
}

void print_page(const ForecastOptions& o, const series::FrameTable& table, size_t node, const Said& said) {
  std::vector<size_t> order(said.leads.size());  // by lead
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t l) { return said.leads[l]; });
  eval::ReportInput page;
  page.title = "Forecast of " + said.node;
  page.facts = {fmt::format("Made at {}, its last active step, by {}.",
                            base::format_time(said.step * table.step_ms), fmt::join(o.models, ", "))};
  for (const size_t v : said.volumes) {
    const auto& feature = said.feature(v);
    if (std::isnan(said.at(v, 0)[0])) {
      page.facts.push_back(
          fmt::format("No value of {} was ever observed, so it has no forecast.", feature.name));
      continue;
    }
    eval::NodeFan fan{std::string(feature.name),
                      std::string(feature.unit),
                      past_of(table, node, said.features[v], said),
                      {},
                      {}};
    for (const size_t l : order) {
      fan.times.push_back(static_cast<double>((said.step + said.leads[l]) * table.step_ms));
      const auto q = said.at(v, l);
      fan.quantiles.insert(fan.quantiles.end(), q.begin(), q.end());
    }
    page.fans.push_back(std::move(fan));
  }
  fmt::print("{}", eval::report_html(page));
}

// What a feature must pass, in its unit a step; NaN: it has no threshold.
double threshold_of(const ForecastOptions& o, const series::FrameTable& table, int feature) {
  if (o.above > 0) return o.above;
  if (feature != series::kBytesIn && feature != series::kBytesOut)
    return std::numeric_limits<double>::quiet_NaN();
  return eval::threshold_of_capacity(eval::parse_capacity(o.capacity), o.share, table.step_ms);
}

void check_congestion(const ForecastOptions& o) {
  if (!o.capacity.empty() && o.above > 0) throw base::UsageError("give either --capacity or --above");
  if (!o.capacity.empty() && std::isnan(eval::parse_capacity(o.capacity)))
    throw base::UsageError("--capacity {}: expected bit/s above zero, e.g. 10G", o.capacity);
  if (o.above > 0 && o.feature.empty())
    throw base::UsageError("--above needs --feature: the threshold is in its unit a step");
  if (o.congestion() && o.format == "html")
    throw base::UsageError("probabilities of congestion have no page: use -f table or -f csv");
}

// The probability that a threshold is passed within each horizon: that of the step, among those forecast up to it, at which
// passing is most likely.
void print_congestion(const ForecastOptions& o, const series::FrameTable& table, const Said& said) {
  std::vector<size_t> order(said.leads.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t l) { return said.leads[l]; });
  const bool csv = o.format == "csv";
  if (!csv)
    fmt::print("congestion of {}, seen from {} (its last active step)\n", said.node,
               base::format_time(said.step * table.step_ms));
  fmt::print("{}", csv ? "node,feature,unit,threshold,until,probability\n"
                       : fmt::format("{:<14}{:<9}{:>12}  {:<22}{:>12}\n", "feature", "unit", "threshold",
                                     "until", "probability"));
  size_t known = 0;
  for (const size_t v : said.volumes) {
    const auto& feature = said.feature(v);
    const double threshold = threshold_of(o, table, said.features[v]);
    if (std::isnan(threshold)) continue;
    ++known;
    double most = std::numeric_limits<double>::quiet_NaN();
    for (const size_t l : order) {
      most = std::fmax(most, eval::exceedance(said.at(v, l), threshold));
      const std::string until = base::format_time((said.step + said.leads[l]) * table.step_ms);
      const std::string p = std::isnan(most) ? (csv ? "" : "-") : fmt::format("{:.4f}", most);
      fmt::print("{}", csv ? fmt::format("{},{},{},{:.6g},{},{}\n", said.node, feature.name, feature.unit,
                                         threshold, until, p)
                           : fmt::format("{:<14}{:<9}{:>12.5g}  {:<22}{:>12}\n", feature.name, feature.unit,
                                         threshold, until, p));
    }
  }
  if (known == 0)
    throw base::Error("a capacity is compared with bytes_in and bytes_out, which were not asked for");
}

void run_forecast(ForecastOptions o, const Context& context) {
  check_congestion(o);
  if (o.models.empty()) o.models = {""};
  for (auto& model : o.models) model = model_or_shipped(model);
  study::ForecastModels models(o.models, o.device, o.threads, 0, context.stop, {});
  const auto table = series::load_frames(o.store, {});
  models.check(table, {});
  const size_t node = find_node(table, o);
  int64_t to = INT64_MAX;
  if (!o.at.empty()) {
    const auto time = base::parse_time(o.at);
    if (!time) throw base::UsageError("--at: '{}' is not a date or time", o.at);
    to = base::step_of(*time, table.step_ms) + 1;
  }
  const size_t end = table.lower_bound(node, to);
  if (end == table.offsets[node])
    throw base::Error("{} was silent up to {}; nothing to forecast from", o.node, o.at);

  const auto& spec = models.first().spec();
  const auto& encoder = models.first().encoder();
  if (spec.input.leads.empty())
    throw base::Error("{} forecasts nothing ahead; pretrain with --horizons", o.models.front());
  Said said{o.node, table.steps[end - 1], {}, {}, spec.input.leads, spec.quantiles, {}};
  const eval::Origin origin{node, said.step};
  for (size_t v = 0; v < encoder.volumes(); ++v) {
    said.features.push_back(encoder.volume_feature(v));
    if (o.feature.empty() || o.feature == said.feature(v).name) said.volumes.push_back(v);
  }
  if (said.volumes.empty()) throw base::Error("{} does not forecast {}", o.models.front(), o.feature);
  said.forecast = models.at(table, {&origin, 1}, false).forecast;
  // As in evaluation. Congestion may be what the node never had.
  if (!o.congestion()) eval::bound_by_history(table, {&origin, 1}, said.features, said.forecast);
  forget_unknown(table, node, end, said);
  if (o.congestion()) return print_congestion(o, table, said);
  if (o.format == "html")
    print_page(o, table, node, said);
  else
    print_rows(table, said, o.format == "csv");
}

}  // namespace

void add_forecast(Command& app, Context& context) {
  auto o = std::make_shared<ForecastOptions>();
  auto* c = app.add_subcommand("forecast", kForecastHelp);
  c->add_option("store", o->store, "Series store")->required();
  c->add_option(
       "--model", o->models,
       "Model folder (repeatable: their quantiles are averaged) [the one that comes with the program]")
      ->allow_extra_args(false);
  c->add_option("--node", o->node, "Node to forecast")->required();
  c->add_option("--at", o->at, "Forecast from this time (default: the end of the store)");
  c->add_option("--feature", o->feature, "Only this feature");
  c->add_option("-f,--format", o->format, "table, csv or html (a page with a picture of each feature)")
      ->check(one_of({"table", "csv", "html"}))
      ->capture_default_str();
  c->add_option(
      "--capacity", o->capacity,
      "Of the node, in bit/s (10G): instead of volumes, the probability that --share of it is passed");
  c->add_option("--share", o->share, "That share")->check(kPositive)->capture_default_str();
  c->add_option("--above", o->above, "Instead: this much of --feature a step")->check(kPositive);
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen forecast store --model model --node 172.16.112.50 --at 1998-06-22T12:00:00");
  c->callback([o, &context] { run_forecast(*o, context); });
}

}  // namespace netflowgen::cli
