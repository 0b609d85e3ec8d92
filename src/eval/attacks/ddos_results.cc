#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/time.h"
#include "eval/json.h"
#include "eval/results.h"

namespace netflowgen::eval {
namespace {

Json spread(const MeanDeviation& m) {
  return {{"mean", number_json(m.mean)}, {"deviation", number_json(m.deviation)}, {"runs", m.count}};
}

Json protocol_json(const DdosResult& r) {
  const DdosOptions& o = r.options.protocol;
  Json budgets = Json::array();
  for (const Budget& b : r.options.budgets) budgets.push_back(b.name());
  return {{"train", period_json(o.train)},
          {"validation", period_json(o.validation)},
          {"test", period_json(o.test)},
          {"scored_feature", o.scored_feature},
          {"min_flows", o.min_flows},
          {"nodes", r.data.table.nodes.size()},
          {"merge_gap_ms", o.merge_gap_ms},
          {"lead_ms", o.lead_ms},
          {"false_alarms_per_node_day", r.options.rate},
          {"volume_feature", series::kFeatures[static_cast<size_t>(r.volume_feature)].name},
          {"budgets", budgets},
          {"label_seeds", r.options.label_seeds},
          {"seed", r.options.seed},
          {"resamples", r.options.resamples}};
}

Json summary_json(const DdosResult& r, const DdosSummary& s) {
  return {{"method", s.method},
          {"budget", s.budget},
          {"split", s.split},
          {"slice", r.slices[s.slice].name},
          {"auprc", spread(s.auprc)},
          {"auprc_95", {number_json(s.auprc_interval.low), number_json(s.auprc_interval.high)}},
          {"auprc_step", spread(s.auprc_step)},
          {"auroc_step", spread(s.auroc_step)},
          {"recall", spread(s.recall)},
          {"false_per_node_day", spread(s.false_per_node_day)},
          {"recall_at_rate_on_test", spread(s.recall_at_rate)},
          {"median_delay_min", spread(s.median_delay_min)},
          {"restricted_delay_min", spread(s.restricted_delay_min)},
          {"effectiveness", spread(s.effectiveness)},
          {"overhead", spread(s.overhead)}};
}

Json slice_json(const DdosResult& r, size_t index, const SliceFigures& f) {
  const AlarmFigures& a = f.alarms;
  return {{"slice", r.slices[index].name},
          {"auprc", number_json(f.auprc)},
          {"auprc_step", number_json(f.auprc_step)},
          {"auroc_step", number_json(f.auroc_step)},
          {"threshold", number_json(a.threshold)},
          {"recall", number_json(a.recall)},
          {"false_episodes", a.false_episodes},
          {"false_per_node_day", number_json(a.false_per_node_day)},
          {"recall_at_rate_on_test", number_json(f.recall_at_rate)},
          {"median_delay_min", number_json(a.median_delay_min)},
          {"median_delay_kaplan_meier_min", number_json(a.median_delay_km_min)},
          {"restricted_delay_min", number_json(a.restricted_delay_min)},
          {"median_effectiveness", number_json(a.effectiveness)},
          {"mean_effectiveness", number_json(a.mean_effectiveness)},
          {"overhead", number_json(a.overhead)}};
}

Json run_json(const DdosResult& r, const DdosRun& run) {
  Json slices = Json::array();
  for (size_t s = 0; s < run.slices.size(); ++s) slices.push_back(slice_json(r, s, run.slices[s]));
  Json events = Json::array();
  const Truth truth = r.truth(0);
  for (const Detection& d : run.slices[0].alarms.detections) {
    const Event& e = truth.events[static_cast<size_t>(d.event)];
    events.push_back({{"node", r.data.table.nodes[e.node]},
                      {"type", e.type},
                      {"start", base::format_time(e.start_ms)},
                      {"end", base::format_time(e.end_ms)},
                      {"sweep", e.sweep},
                      {"delay_min", d.found ? Json(d.delay_min) : Json(nullptr)},
                      {"effectiveness", number_json(d.effectiveness)}});
  }
  Json alerts = Json::array();
  for (const auto& a : run.slices[0].alarms.alerts) {
    const int64_t step_ms = r.data.table.step_ms;
    alerts.push_back({{"node", r.data.table.nodes[a.node]},
                      {"start", base::format_time(a.start_step * step_ms)},
                      {"raised", base::format_time((a.raised_step + 1) * step_ms)},
                      {"end", base::format_time(a.end_step * step_ms)},
                      {"score", number_json(static_cast<double>(a.peak))}});
  }
  return {{"method", run.method},
          {"budget", run.budget},
          {"split", run.split},
          {"seed", run.seed},
          {"labelled_events", run.labelled_events},
          {"threshold_in_sample", run.in_sample_threshold},
          {"folds_without_labels", run.folds_without_labels},
          {"seconds", number_json(run.seconds)},
          {"slices", slices},
          {"events", events},
          {"alerts", alerts}};
}

std::string share(const MeanDeviation& m) {
  if (m.count == 0) return "-";
  return m.count > 1 ? fmt::format("{:.3f}±{:.3f}", m.mean, m.deviation) : fmt::format("{:.3f}", m.mean);
}

std::string plain(const MeanDeviation& m, int digits) {
  return m.count == 0 ? "-" : fmt::format("{:.{}f}", m.mean, digits);
}

struct Line {
  const DdosSummary* first = nullptr;
  std::vector<std::string> auprc;
};

}  // namespace

std::string ddos_json(const DdosResult& result) {
  Json slices = Json::array();
  for (const Slice& s : result.slices) {
    slices.push_back({{"name", s.name},
                      {"events", s.events},
                      {"attack_rows", s.attack_rows},
                      {"benign_rows", s.benign_rows}});
  }
  Json summaries = Json::array();
  for (const DdosSummary& s : result.summaries) summaries.push_back(summary_json(result, s));
  Json runs = Json::array();
  for (const DdosRun& r : result.runs) runs.push_back(run_json(result, r));
  const Json all = {{"format", "netflowgen-evaluate-ddos-1"},
                    {"protocol", protocol_json(result)},
                    {"notes", result.notes},
                    {"slices", slices},
                    {"summaries", summaries},
                    {"runs", runs}};
  return all.dump(1) + "\n";
}

std::string ddos_table(const DdosResult& result) {
  std::string text;
  for (const Slice& s : result.slices) {
    if (s.summarized) {
      text += fmt::format("{}: {} events, {} attack rows, {} benign rows\n", s.name, s.events, s.attack_rows,
                          s.benign_rows);
    }
  }
  for (const auto& note : result.notes) text += note + "\n";
  std::map<std::string, std::vector<Line>> sections;  // by split and budget
  std::vector<std::string> order;
  for (const DdosSummary& s : result.summaries) {
    const std::string key = s.split == "time" ? s.budget : fmt::format("{}, {}", s.split, s.budget);
    auto [it, fresh] = sections.try_emplace(key);
    if (fresh) order.push_back(key);
    auto& lines = it->second;
    if (lines.empty() || lines.back().first->method != s.method) lines.push_back({&s, {}});
    lines.back().auprc.push_back(share(s.auprc));
  }
  for (const auto& key : order) {
    text += fmt::format("\n{}\n  {:<26}", key, "method");
    const auto& lines = sections[key];
    for (size_t i = 0; i < lines[0].auprc.size(); ++i) {
      const std::string name = result.slices[lines[0].first->slice + i].name;
      text += fmt::format(" {:>14}", i == 0 ? "AUPRC " + name : name.substr(0, 14));
    }
    text += fmt::format(" {:>11} {:>8} {:>9} {:>9} {:>8} {:>8}\n", "recall", "FA/n-day", "delay min",
                        "r. delay", "effect.", "overhead");
    for (const Line& line : lines) {
      text += fmt::format("  {:<26}", line.first->method);
      for (const auto& a : line.auprc) text += fmt::format(" {:>14}", a);
      const DdosSummary& s = *line.first;
      text += fmt::format(" {:>11} {:>8} {:>9} {:>9} {:>8} {:>8}\n", share(s.recall),
                          plain(s.false_per_node_day, 3), plain(s.median_delay_min, 1),
                          plain(s.restricted_delay_min, 1), plain(s.effectiveness, 3), plain(s.overhead, 3));
    }
  }
  return text;
}

}  // namespace netflowgen::eval
