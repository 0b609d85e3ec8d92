// What each attack looked like: the node's traffic, and every method's score against its threshold.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/time.h"
#include "eval/report/report_parts.h"
#include "eval/report/svg.h"

namespace netflowgen::eval {
namespace {

using Points = Chart::Points;

constexpr size_t kMethods = 4;
constexpr int kWidth = 720;

// Steps shown around an event.
struct Window {
  int64_t first = 0;
  int64_t last = 0;
};

Window around(const Event& e, int64_t step_ms) {
  const int64_t length = e.last_step(step_ms) - e.first_step(step_ms) + 1;
  const int64_t margin = std::max<int64_t>(20, length / 2);
  return {e.first_step(step_ms) - margin, e.last_step(step_ms) + margin};
}

double start_of(int64_t step, const FrameTable& t) { return static_cast<double>(step * t.step_ms); }

void attack_spans(Chart& chart, const DdosResult& r, const Event& shown, const Window& w) {
  for (const Event& e : r.data.events) {
    const int64_t ms = r.data.table.step_ms;
    if (e.node != shown.node || e.last_step(ms) < w.first || e.first_step(ms) > w.last) continue;
    chart.span(static_cast<double>(e.start_ms), static_cast<double>(e.end_ms), e.type);
  }
}

// A staircase: value(row) on rows, 0 where the node is idle.
template <typename Value>
Points staircase(const FrameTable& t, size_t node, const Window& w, Value value) {
  Points points;
  size_t row = t.lower_bound(node, w.first);
  for (int64_t step = w.first; step <= w.last; ++step) {
    const bool active = row < t.offsets[node + 1] && t.steps[row] == step;
    points.emplace_back(start_of(step, t), active ? value(row) : 0.0);
    if (active) ++row;
  }
  points.emplace_back(start_of(w.last + 1, t), points.back().second);
  return points;
}

std::string traffic(const DdosResult& r, const Event& e, const Window& w) {
  const FrameTable& t = r.data.table;
  const auto f = static_cast<size_t>(r.volume_feature);
  const auto points = staircase(t, e.node, w, [&](size_t row) {
    const double v = t.frame(row)[f];
    return std::isfinite(v) ? v : 0.0;
  });
  double high = 1;
  for (const auto& p : points) high = std::max(high, p.second);
  // Floods are orders of magnitude above the traffic before: a logarithmic axis shows both.
  const bool log = high > 100;
  Chart chart({"", start_of(w.first, t), start_of(w.last + 1, t), false, true},
              {std::string(series::kFeatures[f].name), log ? 0.7 : 0.0, high * 1.15, log}, kWidth, 150);
  chart.left_margin(Chart::kTicksMargin);
  attack_spans(chart, r, e, w);
  chart.line(points, 7, "traffic", true);
  return chart.svg(fmt::format("{} of {} around an attack", series::kFeatures[f].name, t.nodes[e.node]));
}

// Scores as a strip. They are drawn on a signed square root scale around the threshold, so that the crossing is seen
// whatever a method's unit is.
std::string strip(const DdosResult& r, const DdosRun& run, const Event& e, const Window& w) {
  const FrameTable& t = r.data.table;
  const double threshold = run.slices[0].alarms.threshold;
  const bool never = !std::isfinite(threshold);
  const auto shown = [&](double score) {
    const double d = never ? score : score - threshold;
    return std::copysign(std::sqrt(std::abs(d)), d);
  };
  double low = 0;
  double high = 0;
  Points points;
  size_t row = t.lower_bound(e.node, w.first);
  for (int64_t step = w.first; step <= w.last; ++step) {
    double y = NAN;
    if (row < t.offsets[e.node + 1] && t.steps[row] == step) {
      if (std::isfinite(run.scores[row])) y = shown(run.scores[row]);
      ++row;
    }
    points.emplace_back(start_of(step, t), y);
    points.emplace_back(start_of(step + 1, t), y);
    if (std::isfinite(y)) {
      low = std::min(low, y);
      high = std::max(high, y);
    }
  }
  const double margin = std::max((high - low) * 0.12, 1e-6);
  Chart chart({"", start_of(w.first, t), start_of(w.last + 1, t), false, true, false},
              {"", low - margin, high + margin, false, false, false}, kWidth, 56);
  chart.left_margin(Chart::kTicksMargin);  // that of the traffic above it
  attack_spans(chart, r, e, w);
  if (!never) chart.level(0, "threshold from validation");
  chart.line(points, style_of(r, run.method), run.method);
  return chart.svg("Score of " + run.method);
}

std::string verdict(const Detection& d) {
  if (!d.found) return "missed";
  return d.delay_min == 0 ? "at once"
                          : fmt::format("{} {}", d.delay_min < 0 ? "early by" : "after",
                                        duration_text(std::abs(d.delay_min) * 60'000));
}

std::string picture(const DdosResult& r, const std::vector<const DdosRun*>& runs, const Event& e,
                    size_t index) {
  const Window w = around(e, r.data.table.step_ms);
  std::string out = "<div>" + traffic(r, e, w);
  for (const DdosRun* run : runs) {
    const Detection& d = run->slices[0].alarms.detections[index];
    out += legend({{fmt::format("{}: {}", run->method, verdict(d)), style_of(r, run->method)}}) +
           strip(r, *run, e, w);
  }
  return out + "</div>";
}

}  // namespace

std::string timeline_section(const DdosResult& r, size_t limit) {
  const auto budgets = budgets_of(r, "time");
  if (budgets.empty()) return "";
  const auto runs = best_first(r, budgets[0], kMethods);
  const Truth truth = r.truth(0);
  std::map<size_t, std::vector<size_t>>
      incidents;  // in time order: incidents are numbered by their first start
  for (size_t i = 0; i < truth.events.size(); ++i) incidents[truth.events[i].incident].push_back(i);
  std::string out = fmt::format(
      "<section id=\"timelines\"><h2>Each attack</h2><p>Labels: {}. Shaded: the attack; dashed: the "
      "threshold from "
      "validation. Scores are drawn as the square root of their distance from it; gaps are idle steps. An "
      "attack on several "
      "nodes at once is shown on its first.</p><p><button data-open>Open all</button></p>\n",
      escape_html(budgets[0]));
  size_t drawn = 0;
  for (const auto& [incident, members] : incidents) {
    const Event& e = truth.events[members[0]];
    std::string tags = fmt::format("<span class=\"tag\">{}</span>", escape_html(e.type));
    if (members.size() > 1)
      tags += fmt::format("<span class=\"tag\">{} nodes or times</span>", members.size());
    for (const DdosRun* run : runs) {
      size_t found = 0;
      for (const size_t i : members) found += run->slices[0].alarms.detections[i].found ? 1 : 0;
      if (found < members.size()) {
        tags += fmt::format(
            "<span class=\"tag\">missed by {}{}</span>", escape_html(run->method),
            members.size() > 1 ? fmt::format(" ({} of {})", members.size() - found, members.size()) : "");
      }
    }
    const std::string head = fmt::format("{} {}, {} {}", base::format_time(e.start_ms).substr(0, 16),
                                         escape_html(r.data.table.nodes[e.node]),
                                         duration_text(static_cast<double>(e.end_ms - e.start_ms)), tags);
    if (drawn < limit) {
      out += fmt::format("<details{}><summary>{}</summary>{}</details>\n", drawn < 3 ? " open" : "", head,
                         picture(r, runs, e, members[0]));
      ++drawn;
    } else {
      out += "<p class=\"dim\">" + head + "</p>\n";
    }
  }
  return out + "</section>\n";
}

}  // namespace netflowgen::eval
