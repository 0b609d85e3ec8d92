#include "eval/anomaly/anomaly_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "eval/json.h"

namespace netflowgen::eval {
namespace {

struct NodeFigures {
  size_t node = 0;
  size_t events = 0;
  double by_row = 0;    // AUPRC
  double by_event = 0;  // the same, event-weighted
};

// Of every node with an attack row in the test period.
std::vector<NodeFigures> node_figures(const DdosResult& result, const Truth& truth,
                                      const std::vector<float>& scores) {
  std::vector<NodeFigures> nodes;
  for (size_t node = 0; node < truth.table->nodes.size(); ++node) {
    NodeFigures f{node};
    for (const Event& e : truth.events) f.events += e.node == node ? 1 : 0;
    std::vector<ScoredRow> rows;
    for (size_t row = truth.table->offsets[node]; row < truth.table->offsets[node + 1]; ++row) {
      if (truth.rows[row] == Truth::kIgnored || !result.data.scored[row]) continue;
      rows.push_back({scores[row], truth.rows[row] == Truth::kBenign ? -1 : truth.rows[row]});
    }
    if (f.events == 0 || std::ranges::none_of(rows, [](const ScoredRow& r) { return r.event >= 0; }))
      continue;
    f.by_row = Ranking(rows, f.events, false).auprc();
    f.by_event = Ranking(std::move(rows), f.events).auprc();
    nodes.push_back(f);
  }
  return nodes;
}

double mean_of(const std::vector<NodeFigures>& nodes, double NodeFigures::*figure) {
  double sum = 0;
  for (const auto& n : nodes) sum += n.*figure;
  return sum / static_cast<double>(nodes.size());
}

std::string figure(double x, int digits) {
  return std::isfinite(x) ? fmt::format("{:.{}f}", x, digits) : "-";
}

const DdosSummary* summary_of(const DdosResult& result, const DdosRun& run) {
  for (const auto& s : result.summaries) {
    if (s.method == run.method && s.slice == 0) return &s;
  }
  return nullptr;
}

}  // namespace

std::string anomaly_table(const DdosResult& result) {
  const Slice& all = result.slices[0];
  std::string text = fmt::format("{} events, {} rows of them, {} other rows\n", all.events, all.attack_rows,
                                 all.benign_rows);
  for (const auto& note : result.notes) text += note + "\n";
  text += fmt::format("\n  {:<26} {:>21} {:>28} {:>7}\n", "", "AUPRC, mean of nodes", "AUPRC, all rows", "");
  text += fmt::format("  {:<26} {:>10} {:>10} {:>8} {:>19} {:>7} {:>8} {:>9}\n", "method", "by row",
                      "by event", "by row", "by event", "AUROC", "recall", "FA/n-day");
  const Truth truth = result.truth(0);
  for (const auto& run : result.runs) {
    const auto nodes = node_figures(result, truth, run.scores);
    const SliceFigures& f = run.slices[0];
    const auto* s = summary_of(result, run);
    const std::string by_event =
        s == nullptr || std::isnan(s->auprc_interval.low)
            ? figure(f.auprc, 3)
            : fmt::format("{:.3f} ({:.3f}-{:.3f})", f.auprc, s->auprc_interval.low, s->auprc_interval.high);
    text += fmt::format("  {:<26} {:>10} {:>10} {:>8} {:>19} {:>7} {:>8} {:>9}\n", run.method,
                        figure(mean_of(nodes, &NodeFigures::by_row), 3),
                        figure(mean_of(nodes, &NodeFigures::by_event), 3), figure(f.auprc_step, 3), by_event,
                        figure(f.auroc_step, 3), figure(f.alarms.recall, 3),
                        figure(f.alarms.false_per_node_day, 3));
  }
  return text;
}

std::string anomaly_json(const DdosResult& result) {
  const DdosOptions& o = result.options.protocol;
  const Slice& all = result.slices[0];
  const Truth truth = result.truth(0);
  Json methods = Json::array();
  for (const auto& run : result.runs) {
    Json nodes = Json::array();
    for (const auto& n : node_figures(result, truth, run.scores)) {
      nodes.push_back({{"node", truth.table->nodes[n.node]},
                       {"events", n.events},
                       {"auprc_step", number_json(n.by_row)},
                       {"auprc", number_json(n.by_event)}});
    }
    const SliceFigures& f = run.slices[0];
    const auto* s = summary_of(result, run);
    methods.push_back({{"method", run.method},
                       {"auprc", number_json(f.auprc)},
                       {"auprc_95", s == nullptr ? Json(nullptr)
                                                 : Json{number_json(s->auprc_interval.low),
                                                        number_json(s->auprc_interval.high)}},
                       {"auprc_step", number_json(f.auprc_step)},
                       {"auroc_step", number_json(f.auroc_step)},
                       {"threshold", number_json(f.alarms.threshold)},
                       {"recall", number_json(f.alarms.recall)},
                       {"false_per_node_day", number_json(f.alarms.false_per_node_day)},
                       {"seconds", number_json(run.seconds)},
                       {"nodes", nodes}});
  }
  const Json json = {{"format", "netflowgen-evaluate-anomaly-1"},
                     {"protocol",
                      {{"train", period_json(o.train)},
                       {"test", period_json(o.test)},
                       {"scored_feature", o.scored_feature},
                       {"false_alarms_per_node_day", result.options.rate}}},
                     {"events", all.events},
                     {"event_rows", all.attack_rows},
                     {"other_rows", all.benign_rows},
                     {"notes", result.notes},
                     {"methods", methods}};
  return json.dump(1) + "\n";
}

}  // namespace netflowgen::eval
