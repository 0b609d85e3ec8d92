// netflowgen forecast: the future of one node or of all as a table or CSV, of one as a page with pictures.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/forecast_congestion.h"
#include "cli/options/detect_options.h"
#include "eval/forecast/forecaster.h"
#include "eval/forecast/streamed_forecast.h"
#include "eval/report/report.h"
#include "eval/report/svg.h"
#include "series/features.h"
#include "series/frame_table.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

struct ForecastOptions {
  std::string store;
  std::vector<std::string> models;
  std::string node;
  std::string at;
  std::string feature;
  std::string format = "table";
  int threads = 0;
  CongestionQuestion congestion;
};

size_t find_node(const series::FrameTable& table, const ForecastOptions& o) {
  const auto it = std::find(table.nodes.begin(), table.nodes.end(), o.node);
  if (it == table.nodes.end()) {
    throw base::Error("{} has no node '{}'; see `netflowgen inspect {}` for its {} nodes", o.store, o.node,
                      o.store, table.nodes.size());
  }
  return static_cast<size_t>(it - table.nodes.begin());
}

// The models' forecast at one origin a node.
struct Said {
  std::vector<eval::Origin> origins;
  std::vector<int> features;    // of the models' volumes
  std::vector<size_t> volumes;  // those asked for, indices into features
  std::vector<int> leads;       // as the model has them, in any order
  eval::Forecast forecast;      // of every volume

  const series::Feature& feature(size_t volume) const {
    return series::kFeatures[static_cast<size_t>(features[volume])];
  }
  std::span<const float> at(size_t origin, size_t volume, size_t lead) const {
    return forecast.quantiles_at(forecast.at(origin, volume, lead));
  }
  // No volume of the origin's node was ever observed.
  bool unknown(size_t origin) const {
    for (size_t v = 0; v < features.size(); ++v) {
      if (!std::isnan(at(origin, v, 0)[0])) return false;
    }
    return true;
  }
};

// Indices of the leads, the nearest first.
std::vector<size_t> by_lead(const Said& said) {
  std::vector<size_t> order(said.leads.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t l) { return said.leads[l]; });
  return order;
}

std::string cell(float value, bool csv) {
  if (std::isnan(value)) return csv ? "," : fmt::format("{:>11}", "-");
  return csv ? fmt::format(",{:.6g}", value) : fmt::format("{:>11.5g}", value);
}

void print_head(bool csv) {
  fmt::print("{}",
             csv ? "node,feature,unit,time" : fmt::format("{:<14}{:<9}{:<22}", "feature", "unit", "time"));
  for (const double q : eval::kQuantileLevels)
    fmt::print("{}", csv ? fmt::format(",q{:02.0f}", q * 100)
                         : fmt::format("{:>11}", fmt::format("q{:02.0f}", q * 100)));
  fmt::print("\n");
}

void print_rows(const series::FrameTable& table, const Said& said, size_t origin, bool csv) {
  const auto& [node, step] = said.origins[origin];
  const std::string& name = table.nodes[node];
  if (!csv) {
    fmt::print("forecast of {} made at {} (its last active step)\n", name,
               base::format_time(step * table.step_ms));
    print_head(csv);
  }
  for (const size_t v : said.volumes) {
    const auto& feature = said.feature(v);
    for (size_t l = 0; l < said.leads.size(); ++l) {
      const std::string time = base::format_time((step + said.leads[l]) * table.step_ms);
      fmt::print("{}", csv ? fmt::format("{},{},{},{}", name, feature.name, feature.unit, time)
                           : fmt::format("{:<14}{:<9}{:<22}", feature.name, feature.unit, time));
      for (const float value : said.at(origin, v, l)) fmt::print("{}", cell(value, csv));
      fmt::print("\n");
    }
  }
}

// Some times as much of the past as of the future, silent steps as zeros.
eval::Chart::Points past_of(const series::FrameTable& table, const eval::Origin& origin, int feature,
                            const Said& said) {
  const int64_t steps = std::clamp<int64_t>(6 * int64_t{std::ranges::max(said.leads)}, 60, 1000);
  eval::Chart::Points past;
  for (int64_t s = std::max(table.first_step, origin.step - steps); s <= origin.step; ++s) {
    const size_t row = table.lower_bound(origin.node, s);
    const bool there = row < table.offsets[origin.node + 1] && table.steps[row] == s;
    past.emplace_back(static_cast<double>(s * table.step_ms),
                      there ? double{table.frame(row)[static_cast<size_t>(feature)]} : 0.0);
  }
  return past;
}

void print_page(const ForecastOptions& o, const series::FrameTable& table, const Said& said) {
  const auto& origin = said.origins.front();
  eval::ReportInput page;
  page.title = "Forecast of " + o.node;
  page.facts = {fmt::format("Made at {}, its last active step, by {}.",
                            base::format_time(origin.step * table.step_ms), fmt::join(o.models, ", "))};
  for (const size_t v : said.volumes) {
    const auto& feature = said.feature(v);
    if (std::isnan(said.at(0, v, 0)[0])) {
      page.facts.push_back(
          fmt::format("No value of {} was ever observed, so it has no forecast.", feature.name));
      continue;
    }
    eval::NodeFan fan{std::string(feature.name),
                      std::string(feature.unit),
                      past_of(table, origin, said.features[v], said),
                      {},
                      {}};
    for (const size_t l : by_lead(said)) {
      fan.times.push_back(static_cast<double>((origin.step + said.leads[l]) * table.step_ms));
      const auto q = said.at(0, v, l);
      fan.quantiles.insert(fan.quantiles.end(), q.begin(), q.end());
    }
    page.fans.push_back(std::move(fan));
  }
  fmt::print("{}", eval::report_html(page));
}

// Error: the node asked for is not in the store, or was silent; there is no node.
std::vector<eval::Origin> origins_of(const series::FrameTable& table, const ForecastOptions& o) {
  int64_t end = INT64_MAX;
  if (!o.at.empty()) {
    const auto time = base::parse_time(o.at);
    if (!time) throw base::UsageError("--at: '{}' is not a date or time", o.at);
    end = base::step_of(*time, table.step_ms) + 1;
  }
  std::vector<size_t> nodes;
  if (!o.node.empty()) nodes = {find_node(table, o)};
  auto origins = eval::last_origins(table, nodes, end);
  if (origins.empty())
    throw base::Error("{} was silent up to {}; nothing to forecast from", o.node.empty() ? o.store : o.node,
                      o.at.empty() ? "the end" : o.at);
  return origins;
}

Said say(const series::FrameTable& table, const ForecastOptions& o, const Context& context) {
  const eval::StreamedForecasts models(o.models, table.step_ms, o.threads);
  Said said{origins_of(table, o), models.features(), {}, models.leads(), {}};
  for (size_t v = 0; v < said.features.size(); ++v) {
    if (o.feature.empty() || o.feature == said.feature(v).name) said.volumes.push_back(v);
  }
  if (said.volumes.empty()) throw base::Error("{} does not forecast {}", o.models.front(), o.feature);
  const bool one = said.origins.size() == 1;
  said.forecast = models.at(table, said.origins, context.stop,
                            one ? base::ProgressFn() : progress_printer(context, "forecast"),
                            !o.congestion.asked());  // congestion may be what the node never had
  if (o.node.empty() || !said.unknown(0)) return said;
  throw base::Error(
      "nothing is known of {} up to {}: no value of what the model forecasts was ever observed, so there is "
      "nothing to forecast from",
      o.node, base::format_time(said.origins[0].step * table.step_ms));
}

void run_forecast(ForecastOptions o, const Context& context) {
  o.congestion.check(o.feature, o.format);
  if (o.format == "html" && o.node.empty()) throw base::UsageError("-f html needs --node: a page is of one");
  if (o.models.empty()) o.models = {""};
  for (auto& model : o.models) model = model_or_shipped(model);
  const auto table = series::load_frames(o.store, {});
  const Said said = say(table, o, context);
  if (o.congestion.asked()) {
    return print_congestion(
        o.congestion, table,
        {o.models.front(), said.origins, said.features, said.volumes, said.leads, &said.forecast},
        o.format == "csv");
  }
  if (o.format == "html") return print_page(o, table, said);
  const bool csv = o.format == "csv";
  if (csv) print_head(csv);
  for (size_t i = 0; i < said.origins.size(); ++i) print_rows(table, said, i, csv);
}

}  // namespace

void add_forecast(Command& app, Context& context) {
  auto o = std::make_shared<ForecastOptions>();
  auto* c = app.add_subcommand("forecast", "Forecast the volumes of one node or all, with quantiles");
  c->add_option("store", o->store, "Series store")->required();
  c->add_option(
       "--model", o->models,
       "Model folder (repeatable: their quantiles are averaged) [the one that comes with the program]")
      ->allow_extra_args(false);
  c->add_option("--node", o->node, "Node to forecast (default: all)");
  c->add_option("--at", o->at, "Forecast from this time (default: the end of the store)");
  c->add_option("--feature", o->feature, "Only this feature");
  c->add_option("-f,--format", o->format, "table, csv or html (a page with a picture of each feature)")
      ->check(one_of({"table", "csv", "html"}))
      ->capture_default_str();
  c->add_option(
      "--capacity", o->congestion.capacity,
      "Of the node, in bit/s (10G): instead of volumes, the probability that --share of it is passed");
  c->add_option("--share", o->congestion.share, "That share")->check(kPositive)->capture_default_str();
  c->add_option("--above", o->congestion.above, "Instead: this much of --feature a step")->check(kPositive);
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen forecast store --model model --node 172.16.112.50 --at 1998-06-22T12:00:00");
  c->callback([o, &context] { run_forecast(*o, context); });
}

}  // namespace netflowgen::cli
