// The page's figures from a series store.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "report/report.h"
#include "report/scoring.h"
#include "series/store.h"

namespace netflowgen::report {
namespace {

constexpr size_t kRows = 15;

struct NodeTotal {
  std::array<double, series::kFeatureCount> sums{};  // of volumes
  uint64_t rows = 0;
  double busy = 0;
};

using Frame = std::array<float, series::kFeatureCount>;

// One pass over all shards.
struct Totals {
  std::unordered_map<std::string, NodeTotal> nodes;
  std::map<int64_t, Frame> steps;  // sums of the volumes; NaN where no node has a value
  std::vector<bool> missing = std::vector<bool>(series::kFeatureCount, true);
};

bool is_volume(size_t feature) { return series::kFeatures[feature].kind == series::Kind::kVolume; }

Totals totals_of(const std::string& store, const series::StoreInfo& info, const base::StopFlag& stop) {
  Totals t;
  Frame none;
  none.fill(std::numeric_limits<float>::quiet_NaN());
  Frame frame;
  for (const auto& part : info.shards) {
    if (stop.requested()) throw base::Stopped("stopped; no page was written");
    const series::Shard shard(store, part);
    for (size_t r = 0; r < shard.rows(); ++r) {
      shard.frame(r, frame);
      auto& node = t.nodes[std::string(shard.names()[shard.nodes()[r]])];
      ++node.rows;
      Frame& sum = t.steps.try_emplace(shard.steps()[r], none).first->second;
      for (size_t f = 0; f < frame.size(); ++f) {
        if (std::isnan(frame[f])) continue;
        t.missing[f] = false;
        if (!is_volume(f)) continue;
        node.sums[f] += static_cast<double>(frame[f]);
        sum[f] = std::isnan(sum[f]) ? frame[f] : sum[f] + frame[f];
      }
    }
  }
  return t;
}

// By shares of all nodes' volumes together, so that the busiest of each kind come first.
std::vector<std::string> busiest(Totals& t) {
  std::array<double, series::kFeatureCount> all{};
  for (const auto& [name, node] : t.nodes) {
    for (size_t f = 0; f < all.size(); ++f) all[f] += node.sums[f];
  }
  std::vector<std::string> names;
  for (auto& [name, node] : t.nodes) {
    for (size_t f = 0; f < all.size(); ++f) node.busy += all[f] > 0 ? node.sums[f] / all[f] : 0;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) {
    const double x = t.nodes[a].busy;
    const double y = t.nodes[b].busy;
    return x != y ? x > y : a < b;
  });
  return names;
}

// The frames of the watched nodes, step by step.
void play(const std::string& store, const series::StoreInfo& info,
          const std::unordered_map<std::string, size_t>& watched, const ReportOptions& o,
          detect::StreamingDetector& stream) {
  std::vector<std::string_view> names(watched.size());
  for (const auto& [name, index] : watched) names[index] = name;
  std::map<int64_t, std::vector<std::pair<size_t, size_t>>> steps;  // (node, offset of the frame)
  std::vector<float> values;
  Frame frame;
  for (const auto& part : info.shards) {
    const series::Shard shard(store, part);
    for (size_t r = 0; r < shard.rows(); ++r) {
      const auto it = watched.find(std::string(shard.names()[shard.nodes()[r]]));
      if (it == watched.end()) continue;
      shard.frame(r, frame);
      steps[shard.steps()[r]].emplace_back(it->second, values.size());
      values.insert(values.end(), frame.begin(), frame.end());
    }
  }
  uint64_t done = 0;
  for (const auto& [step, rows] : steps) {
    if (o.stop->requested()) throw base::Stopped("stopped; no page was written");
    for (const auto& [node, at] : rows)
      stream.add(names[node], step, {values.data() + at, series::kFeatureCount});
    stream.close(step);
    if (o.progress) o.progress({"steps", ++done, steps.size(), ""});
  }
  stream.finish(info.end_step - 1);
}

uint64_t whole(double v) {
  return v < 1.8e19 ? static_cast<uint64_t>(std::llround(std::max(0.0, v))) : UINT64_MAX;
}

}  // namespace

ReportData report_of_store(const std::string& store, const ReportOptions& o) {
  Scoring scoring(o);
  const auto info = series::read_store_info(store);
  if (info.rows() == 0) throw base::Error("{} holds no frames, so there is nothing to report", store);
  scoring.take_step(info.step_ms);
  Totals totals = totals_of(store, info, *o.stop);
  const auto names = busiest(totals);
  ReportData data;
  data.kind = "store";
  data.step_ms = info.step_ms;
  data.timezone = info.timezone;
  data.first_step = info.first_step;
  data.end_step = info.end_step;
  data.first_ms = info.first_step * info.step_ms;
  data.last_ms = info.end_step * info.step_ms;
  data.nodes = names.size();
  data.missing = totals.missing;
  NetworkSeries network(scoring.model());
  for (const auto& [step, frame] : totals.steps) network.add(step, frame);
  data.network = network.steps();
  data.model.low = network.low_quantile();
  data.model.high = network.high_quantile();
  for (size_t i = 0; i < std::min(kRows, names.size()); ++i) {
    const auto& sums = totals.nodes[names[i]].sums;
    data.store_nodes.push_back(
        {names[i],
         {whole(sums[series::kFlowsIn]), whole(sums[series::kPacketsIn]), whole(sums[series::kBytesIn])},
         {whole(sums[series::kFlowsOut]), whole(sums[series::kPacketsOut]), whole(sums[series::kBytesOut])}});
  }
  const auto budget = scoring.budget(o.max_nodes);
  std::unordered_map<std::string, size_t> watched;
  uint64_t positions = 0;
  for (const auto& name : names) {
    positions += totals.nodes[name].rows;
    if (!watched.empty() && (watched.size() >= budget.nodes || positions > budget.positions)) break;
    watched.emplace(name, watched.size());
  }
  data.watched.candidates = names.size();
  data.watched.watched = watched.size();
  data.outcome.ledgers.push_back({"frames", info.rows(), info.rows(), 0, {}, {}});
  if (scoring.on()) play(store, info, watched, o, scoring.start(watched.size()));
  scoring.finish(data);
  data.inputs = o.inputs;
  data.program = o.program;
  return data;
}

}  // namespace netflowgen::report
