// Reads flows, builds the series of each node, and prints what the model that comes with NetFlowGen forecasts for the busiest
// ones and how much it takes their last minute for part of an attack.
//
//   forecast FLOWS [NODES]     e.g. forecast flows.csv.zst 10.0.0.0/8
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "eval/forecast/streamed_forecast.h"
#include "flow/open.h"
#include "infer/table_scan.h"
#include "model/shipped_model.h"
#include "series/builder.h"
#include "series/table_sink.h"

namespace nfg = netflowgen;

constexpr size_t kBusiest = 3;

// A table of frames, 39 features for each node and step in which it was active.
nfg::series::FrameTable read_series(const std::string& flows, const std::string& nodes) {
  nfg::flow::InputOptions input;
  input.paths = {flows};
  const auto source = nfg::flow::open_flows(input);  // any format, told by content

  nfg::series::SeriesOptions options;
  nfg::series::parse_hosts(nodes, options.nodes);
  nfg::series::TableSink sink;
  nfg::series::SeriesBuilder builder(options, sink);
  std::vector<nfg::flow::Flow> batch(1024);
  while (const size_t n = source->read(batch)) builder.add(std::span(batch).first(n));
  builder.finish();
  const auto ledger = builder.flow_ledger();
  fmt::print("{} flows: {} in the series, {} dropped\n", ledger.in, ledger.out, ledger.dropped());
  return sink.finish(options.step_ms, "UTC", nfg::series::choice_of(options.nodes));
}

std::vector<size_t> busiest_nodes(const nfg::series::FrameTable& table) {
  std::vector<double> flows(table.nodes.size());
  for (size_t n = 0; n < flows.size(); ++n) {
    for (size_t row = table.offsets[n]; row < table.offsets[n + 1]; ++row) {
      const float value = table.frame(row)[nfg::series::kFlowsIn];
      if (!std::isnan(value)) flows[n] += value;  // NaN is missing, and no zero
    }
  }
  std::vector<size_t> order(flows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return flows[a] > flows[b]; });
  order.resize(std::min(order.size(), kBusiest));
  std::sort(order.begin(), order.end());
  return order;
}

void print_forecasts(const nfg::series::FrameTable& table, const std::string& folder, const std::vector<size_t>& nodes) {
  const nfg::eval::StreamedForecasts forecasts({folder}, table.step_ms, 1);
  const auto origins = nfg::eval::last_origins(table, nodes, INT64_MAX);
  const auto found = forecasts.at(table, origins, {}, {});
  const auto& features = forecasts.features();
  const auto feature = static_cast<size_t>(
      std::find(features.begin(), features.end(), nfg::series::kBytesIn) - features.begin());
  for (size_t i = 0; i < origins.size(); ++i) {
    for (size_t h = 0; h < forecasts.leads().size(); ++h) {
      const auto q = found.quantiles_at(found.at(i, feature, h));
      fmt::print("{} bytes_in in {} min: {:.0f}, 80 % between {:.0f} and {:.0f}\n", table.nodes[origins[i].node],
                 forecasts.leads()[h] * table.step_ms / 60'000, q[4], q.front(), q.back());
    }
  }
}

void print_scores(const nfg::series::FrameTable& table, const std::string& folder, const std::vector<size_t>& nodes) {
  nfg::infer::ModelOptions options;
  options.step_ms = table.step_ms;
  const auto model = nfg::infer::Model::load(folder, options);
  const auto& tasks = model->spec().tasks;
  nfg::infer::ScanOptions scan;
  scan.nodes = nodes;
  scan.wanted = {.hidden = false, .surprise = false, .tasks = true, .inject = false, .direct = false};
  std::map<size_t, std::string> last;  // by row: what is printed of a node's newest row
  const auto visit = [&](const nfg::infer::ScanResults& found) {
    for (size_t i = 0; i < found.rows.size(); ++i) {
      std::string text;
      for (size_t t = 0; t < tasks.size(); ++t) {
        if (tasks[t].outputs() == 1) text += fmt::format(" {} {:.3f}", tasks[t].name, found.results.tasks[t][i]);
      }
      last[found.rows[i]] = text;
    }
  };
  nfg::infer::scan_table(model, table, scan, visit, {}, {});
  for (const size_t n : nodes) fmt::print("{} score:{}\n", table.nodes[n], last.at(table.offsets[n + 1] - 1));
}

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: forecast FLOWS [NODES]\n");
    return 2;
  }
  try {
    const auto table = read_series(argv[1], argc > 2 ? argv[2] : "all");
    const auto folder = nfg::model::shipped_model().string();
    fmt::print("{} nodes, {} frames; the model is in {}\n", table.nodes.size(), table.rows(), folder);
    const auto nodes = busiest_nodes(table);
    print_forecasts(table, folder, nodes);
    print_scores(table, folder, nodes);
    return 0;
  } catch (const nfg::base::Error& e) {  // a sentence: what, where, what to do
    fmt::print(stderr, "forecast: {}\n", e.what());
    return 1;
  }
}
