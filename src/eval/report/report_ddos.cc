#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "eval/report/report_parts.h"
#include "eval/report/svg.h"

namespace netflowgen::eval {
namespace {

using Points = Chart::Points;

constexpr size_t kShownMethods = 8;  // lines a picture: more cannot be told apart

std::vector<const DdosRun*> runs_of(const DdosResult& r, const std::string& budget,
                                    const std::string& split) {
  std::vector<const DdosRun*> runs;
  for (const DdosRun& run : r.runs) {
    if (run.budget == budget && run.split == split) runs.push_back(&run);
  }
  return runs;
}

std::string legend_of(const DdosResult& r, const std::vector<const DdosRun*>& runs) {
  std::vector<std::pair<std::string, int>> entries;
  for (const DdosRun* run : runs) entries.emplace_back(run->method, style_of(r, run->method));
  return legend(entries);
}

std::string interval_text(const Interval& i) {
  if (!std::isfinite(i.low) || !std::isfinite(i.high)) return "–";
  return fmt::format("{:.3f}–{:.3f}", i.low, i.high);
}

// One table a (split, budget): a row a method, AUPRC of each summarised slice, alarms over all.
std::string table(const DdosResult& r, const std::string& budget, const std::string& split) {
  HtmlTable out;
  const auto here = [&](const DdosSummary& s) { return s.budget == budget && s.split == split; };
  bool first = true;
  double best = -1;
  for (const auto& s : r.summaries) {
    if (here(s) && s.slice == 0) best = std::max(best, s.auprc.mean);
  }
  for (size_t i = 0; i < r.summaries.size(); ++i) {
    const DdosSummary& s = r.summaries[i];
    if (!here(s) || s.slice != 0) continue;
    const auto slices = [&](auto visit) {
      for (size_t j = i; j < r.summaries.size() && r.summaries[j].method == s.method && here(r.summaries[j]);
           ++j)
        visit(r.summaries[j], j == i);
    };
    if (first) {
      out.column("method");
      slices([&](const DdosSummary& slice, bool all) {
        out.column("AUPRC<br>" + escape_html(r.slices[slice.slice].name));
        if (all) out.column("95 %<br>of days");
      });
      for (const char* label :
           {"AUPRC<br>per step", "AUROC<br>per step", "recall", "false alarms<br>per node-day",
            "median<br>delay, min", "mean delay,<br>misses too", "effective-<br>ness", "over-<br>head"})
        out.column(label);
    }
    first = false;
    out.row(s.auprc.mean == best);
    out.cell(escape_html(s.method));
    slices([&](const DdosSummary& slice, bool all) {
      out.cell(mean_text(slice.auprc, 3));
      if (all) out.cell("<small>" + interval_text(slice.auprc_interval) + "</small>");
    });
    for (const auto& [value, digits] :
         {std::pair(s.auprc_step, 3), std::pair(s.auroc_step, 3), std::pair(s.recall, 3),
          std::pair(s.false_per_node_day, 3), std::pair(s.median_delay_min, 1),
          std::pair(s.restricted_delay_min, 1), std::pair(s.effectiveness, 3), std::pair(s.overhead, 3)})
      out.cell(mean_text(value, digits));
  }
  return out.html();
}

std::string precision_recall(const DdosResult& r, const std::vector<const DdosRun*>& runs,
                             const std::string& budget) {
  Chart chart({"recall (events weigh the same)", 0, 1}, {"precision", 0, 1}, 560, 340);
  const size_t events = r.truth(0).events.size();
  for (const DdosRun* run : runs) {
    Points points;
    for (const PrPoint& p : Ranking(r.scored_rows(0, run->scores), events).curve(300)) {
      points.emplace_back(p.recall, p.precision);
    }
    chart.line(points, style_of(r, run->method),
               fmt::format("{}: AUPRC {:.3f}", run->method, run->slices[0].auprc));
  }
  return "<div><h3>Precision and recall</h3>" + chart.svg("Precision and recall, " + budget) + "</div>";
}

std::string operating(const DdosResult& r, const std::vector<const DdosRun*>& runs,
                      const std::string& budget) {
  const Truth truth = r.truth(0);
  const double low = 0.5 / std::max(1.0, truth.node_days());
  Chart chart({"false alarms per node-day, all nodes and all time", std::min(low, 0.01), 10, true},
              {"share of attacks found", 0, 1}, 560, 340);
  for (const DdosRun* run : runs) {
    Points points;
    for (const auto& p : operating_curve(truth, run->scores, 150))
      points.emplace_back(p.false_per_node_day, p.recall);
    const int style = style_of(r, run->method);
    chart.line(points, style, run->method);
    const AlarmFigures& a = run->slices[0].alarms;
    chart.dots(
        {{std::max(a.false_per_node_day, low), a.recall}}, style,
        fmt::format("{} at its threshold from validation: {:.3f} found, {:.3f} false alarms per node-day",
                    run->method, a.recall, a.false_per_node_day));
  }
  chart.mark(r.options.rate, "what thresholds aim at");
  return "<div><h3>What alarms cost</h3>" + chart.svg("Recall against false alarms, " + budget) + "</div>";
}

std::string delays(const std::vector<const DdosRun*>& runs, const DdosResult& r, const std::string& budget) {
  double longest = 5;
  for (const DdosRun* run : runs) {
    for (const Detection& d : run->slices[0].alarms.detections) longest = std::max(longest, d.duration_min);
  }
  longest = std::min(longest, 120.0);
  Chart chart({"minutes since the attack began", 0, longest}, {"share of attacks found", 0, 1}, 560, 340);
  for (const DdosRun* run : runs) {
    std::vector<double> found;
    const auto& detections = run->slices[0].alarms.detections;
    for (const Detection& d : detections) {
      if (d.found) found.push_back(d.delay_min);
    }
    std::sort(found.begin(), found.end());
    Points points = {{0, 0}};
    for (size_t i = 0; i < found.size(); ++i) {
      if (i + 1 < found.size() && found[i + 1] == found[i]) continue;
      points.emplace_back(std::max(0.0, found[i]),
                          static_cast<double>(i + 1) / static_cast<double>(detections.size()));
    }
    points.emplace_back(longest, points.back().second);
    chart.line(points, style_of(r, run->method), run->method, true);
  }
  return "<div><h3>How soon</h3>" + chart.svg("Share of attacks found against delay, " + budget) + "</div>";
}

// Mean AUPRC with its interval, a panel of one row a method for each budget.
std::string budget_overview(const DdosResult& r, size_t slice) {
  std::string out;
  for (const auto& budget : budgets_of(r, "time")) {
    std::vector<const DdosSummary*> rows;
    for (const auto& s : r.summaries) {
      if (s.budget == budget && s.split == "time" && s.slice == slice) rows.push_back(&s);
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto* a, const auto* b) { return a->auprc.mean > b->auprc.mean; });
    const auto n = static_cast<double>(rows.size());
    Chart chart({"", 0, 1}, {"", 0, n, false, false, false}, 560, static_cast<int>(44 + 20 * rows.size()));
    for (size_t i = 0; i < rows.size(); ++i) {
      const DdosSummary& s = *rows[i];
      const double y = n - 0.5 - static_cast<double>(i);
      const bool right = s.auprc.mean < 0.5;
      chart.interval(s.auprc_interval.low, s.auprc.mean, s.auprc_interval.high, y, style_of(r, s.method),
                     fmt::format("{}: {:.3f}, days {:.3f} to {:.3f}", s.method, s.auprc.mean,
                                 s.auprc_interval.low, s.auprc_interval.high));
      const double high = std::isfinite(s.auprc_interval.high) ? s.auprc_interval.high : s.auprc.mean;
      const double low = std::isfinite(s.auprc_interval.low) ? s.auprc_interval.low : s.auprc.mean;
      chart.text(right ? high + 0.015 : low - 0.015, y - 0.2,
                 fmt::format("{} {:.3f}", s.method, s.auprc.mean), right ? "start" : "end");
    }
    out += "<div><h3>" + escape_html(budget) + "</h3>" + chart.svg("AUPRC, " + budget) + "</div>";
  }
  return "<div class=\"grid2\">" + out + "</div>\n";
}

std::string protocol_text(const DdosResult& r) {
  const DdosOptions& o = r.options.protocol;
  const auto span = [](const Period& p) {
    return base::format_time(p.from_ms) + " to " + base::format_time(p.to_ms);
  };
  std::string out = fmt::format(
      "<p>Labels and thresholds from {}; figures from {}. {} nodes; steps count where {}. Thresholds aim at "
      "{} false alarms per node-day.</p><p class=\"dim\">",
      span(o.train), span(o.test), r.data.table.nodes.size(),
      o.scored_feature.empty() ? "anything was seen" : escape_html(o.scored_feature) + " is above 0",
      r.options.rate);
  for (const Slice& s : r.slices) {
    if (s.summarized) {
      out += fmt::format("{}: {} attacks, {} attack steps among {}. ", escape_html(s.name), s.events,
                         s.attack_rows, s.attack_rows + s.benign_rows);
    }
  }
  for (const auto& note : r.notes) out += escape_html(note) + ". ";
  return out + "</p>\n";
}

}  // namespace

std::vector<std::string> budgets_of(const DdosResult& r, const std::string& split) {
  std::vector<std::string> names;
  for (const DdosRun& run : r.runs) {
    if (run.split == split && std::find(names.begin(), names.end(), run.budget) == names.end()) {
      names.push_back(run.budget);
    }
  }
  return names;
}

int style_of(const DdosResult& r, const std::string& method) {
  const auto all = methods_of(r);
  return static_cast<int>(std::find(all.begin(), all.end(), method) - all.begin());
}

std::vector<const DdosRun*> best_first(const DdosResult& r, const std::string& budget, size_t most) {
  std::vector<const DdosRun*> first;
  for (const DdosRun* run : runs_of(r, budget, "time")) {
    if (std::none_of(first.begin(), first.end(), [&](const auto* f) { return f->method == run->method; })) {
      first.push_back(run);
    }
  }
  std::stable_sort(first.begin(), first.end(), [](const auto* a, const auto* b) {
    const double x = std::isnan(a->slices[0].auprc) ? -1 : a->slices[0].auprc;
    const double y = std::isnan(b->slices[0].auprc) ? -1 : b->slices[0].auprc;
    return x > y;
  });
  if (first.size() > most) first.resize(most);
  return first;
}

std::vector<std::string> methods_of(const DdosResult& result) {
  std::vector<std::string> names;
  // Methods that learn come first: they get the colours that are told apart best.
  for (const bool learned : {true, false}) {
    for (const DdosRun& run : result.runs) {
      if ((run.labelled) != learned) continue;
      if (std::find(names.begin(), names.end(), run.method) == names.end()) names.push_back(run.method);
    }
  }
  return names;
}

std::string ddos_section(const DdosResult& r, size_t) {
  std::string out = "<section id=\"ddos\"><h2>Attack detection</h2>" + protocol_text(r);
  if (r.runs.empty()) return out + "</section>\n";
  out += "<h3>Event-weighted AUPRC, with 95 % intervals from resampled days</h3>" + budget_overview(r, 0);
  for (const auto& budget : budgets_of(r, "time")) {
    out += "<h3>Labels: " + escape_html(budget) + "</h3>" + table(r, budget, "time");
  }
  std::vector<std::string> splits;
  for (const DdosRun& run : r.runs) {
    if (run.split != "time" && std::find(splits.begin(), splits.end(), run.split) == splits.end()) {
      splits.push_back(run.split);
    }
  }
  for (const auto& split : splits) {
    if (split.starts_with("without ")) continue;
    for (const auto& budget : budgets_of(r, split)) {
      out += "<h3>" + escape_html(split) + ", labels: " + escape_html(budget) + "</h3>" +
             table(r, budget, split);
    }
  }
  HtmlTable left;
  bool hidden = false;
  for (const char* label : {"method", "type hidden", "AUPRC of that type", "recall", "events"})
    left.column(label);
  for (const DdosSummary& s : r.summaries) {
    if (!s.split.starts_with("without ")) continue;
    hidden = true;
    left.row();
    for (const auto& cell : {escape_html(s.method), escape_html(s.split.substr(8)), mean_text(s.auprc, 3),
                             mean_text(s.recall, 3), std::to_string(r.slices[s.slice].events)})
      left.cell(cell);
  }
  if (hidden) out += "<h3>An attack type that the labels never showed</h3>" + left.html();
  for (const auto& budget : budgets_of(r, "time")) {
    const auto runs = best_first(r, budget, kShownMethods);
    out += "<h3>Curves, labels: " + escape_html(budget) +
           "</h3><p class=\"dim\">First label seed; dots: at the threshold "
           "from validation.</p>" +
           legend_of(r, runs) + "<div class=\"grid2\">" + precision_recall(r, runs, budget) +
           operating(r, runs, budget) + delays(runs, r, budget) + "</div>\n";
  }
  return out + "</section>\n";
}

}  // namespace netflowgen::eval
