// netflowgen forecast: one node's future as a table or CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/base.h"
#include "cli/commands.h"
#include "learn/learn.h"
#include "series/series.h"

namespace netflowgen::cli {
namespace {

struct ForecastOptions {
  std::string store;
  std::string model;
  std::string node;
  std::string at;
  std::string feature;
  std::string format = "table";
  std::string device = "cpu";
  int threads = 0;
};

size_t find_node(const series::FrameTable& table, const ForecastOptions& o) {
  const auto it = std::find(table.nodes.begin(), table.nodes.end(), o.node);
  if (it == table.nodes.end()) {
    throw base::Error("{} has no node '{}'; see `netflowgen inspect {}` for its {} nodes", o.store, o.node,
                      o.store, table.nodes.size());
  }
  return static_cast<size_t>(it - table.nodes.begin());
}

// The most that each volume of the node had up to a row: as in evaluation, no quantile passes it.
std::vector<float> records_of(const series::FrameTable& table, const token::Encoder& encoder, size_t node,
                              size_t end) {
  std::vector<float> most(encoder.volumes(), 0.0f);
  for (size_t row = table.offsets[node]; row < end; ++row) {
    for (size_t v = 0; v < most.size(); ++v)
      most[v] = std::fmax(most[v], table.frame(row)[static_cast<size_t>(encoder.volume_feature(v))]);
  }
  return most;
}

void run_forecast(const ForecastOptions& o, const Context& context) {
  const learn::Backbone backbone(o.model, o.device, o.threads);
  const auto table = series::load_frames(o.store, {});
  const size_t node = find_node(table, o);
  const auto& input = backbone.spec().input;
  learn::ScanOptions scan;
  scan.nodes = {node};
  scan.direct = true;
  if (!o.at.empty()) {
    const auto time = base::parse_time(o.at);
    if (!time) throw base::UsageError("--at: '{}' is not a date or time", o.at);
    scan.range.to = base::step_of(*time, table.step_ms) + 1;
  }
  const size_t end = table.lower_bound(node, scan.range.to);
  if (end == table.offsets[node])
    throw base::Error("{} was silent up to {}; nothing to forecast from", o.node, o.at);
  scan.keep.assign(table.rows(), false);
  scan.keep[end - 1] = true;
  const auto bank = backbone.scan(table, scan, context.stop, {});
  const auto& quantiles = backbone.spec().quantiles;
  const auto records = records_of(table, backbone.encoder(), node, end);
  const bool csv = o.format == "csv";
  if (!csv)
    fmt::print("forecast of {} made at {} (its last active step)\n", o.node,
               base::format_time(table.steps[end - 1] * table.step_ms));
  fmt::print("{}",
             csv ? "node,feature,unit,time" : fmt::format("{:<14}{:<9}{:<22}", "feature", "unit", "time"));
  for (const float q : quantiles)
    fmt::print("{}", csv ? fmt::format(",q{:02.0f}", q * 100)
                         : fmt::format("{:>11}", fmt::format("q{:02.0f}", q * 100)));
  fmt::print("\n");
  for (size_t v = 0; v < backbone.encoder().volumes(); ++v) {
    const auto& feature = series::kFeatures[static_cast<size_t>(backbone.encoder().volume_feature(v))];
    if (!o.feature.empty() && o.feature != feature.name) continue;
    for (size_t l = 0; l < input.leads.size(); ++l) {
      const std::string time = base::format_time((table.steps[end - 1] + input.leads[l]) * table.step_ms);
      fmt::print("{}", csv ? fmt::format("{},{},{},{}", o.node, feature.name, feature.unit, time)
                           : fmt::format("{:<14}{:<9}{:<22}", feature.name, feature.unit, time));
      const float* values = bank.direct.data() + (l * backbone.encoder().volumes() + v) * quantiles.size();
      for (size_t k = 0; k < quantiles.size(); ++k) {
        const float value = std::min(values[k], records[v]);
        fmt::print("{}", csv ? fmt::format(",{:.6g}", value) : fmt::format("{:>11.5g}", value));
      }
      fmt::print("\n");
    }
  }
}

}  // namespace

void add_forecast(CLI::App& app, Context& context) {
  auto o = std::make_shared<ForecastOptions>();
  auto* c = app.add_subcommand("forecast", "Forecast one node's volumes, with quantiles");
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Model folder")->required();
  c->add_option("--node", o->node, "Node to forecast")->required();
  c->add_option("--at", o->at, "Stand at this time (default: the end of the store)");
  c->add_option("--feature", o->feature, "Only this feature");
  c->add_option("-f,--format", o->format, "table or csv")
      ->check(CLI::IsMember({"table", "csv"}))
      ->capture_default_str();
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen forecast store --model model --node 172.16.112.50 --at 1998-06-22T12:00:00");
  c->callback([o, &context] { run_forecast(*o, context); });
}

}  // namespace netflowgen::cli
