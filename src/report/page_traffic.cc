// The page's charts: the network's traffic over time, with the band that the model expected.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "eval/report/svg.h"
#include "report/page.h"
#include "series/features.h"

namespace netflowgen::report {
namespace {

using Points = eval::Chart::Points;

constexpr size_t kPoints = 600;  // of a line at most

struct Quantity {
  const char* name;
  const char* unit;
  int in;
  int out;
  double factor;  // to a unit a second
};
constexpr Quantity kQuantities[] = {
    {"Bits", "bit/s", series::kBytesIn, series::kBytesOut, 8},
    {"Packets", "packets/s", series::kPacketsIn, series::kPacketsOut, 1},
    {"Flows", "flows/s", series::kFlowsIn, series::kFlowsOut, 1},
};

bool known(const ReportData& data, int feature) {
  return std::any_of(data.network.begin(), data.network.end(), [&](const NetworkStep& s) {
    return !std::isnan(s.frame[static_cast<size_t>(feature)]);
  });
}

struct Series {
  Points seen;
  Points low;
  Points middle;
  Points high;
  double most = 0;
  int64_t together = 1;  // steps that one point is the mean of
};

double rate_of(double value, const ReportData& data, double factor) {
  return value * factor * 1000 / static_cast<double>(data.step_ms);
}

// Means over `together` steps; steps without a frame are zero.
Series series_of(const ReportData& data, int feature, double factor) {
  Series out;
  const int64_t steps = std::max<int64_t>(1, data.end_step - data.first_step);
  out.together = (steps + static_cast<int64_t>(kPoints) - 1) / static_cast<int64_t>(kPoints);
  size_t at = 0;
  for (int64_t from = data.first_step; from < data.end_step; from += out.together) {
    const int64_t to = std::min(from + out.together, data.end_step);
    double seen = 0;
    Band3 sum{0, 0, 0};
    int64_t forecast = 0;
    bool missing = false;
    for (; at < data.network.size() && data.network[at].step < to; ++at) {
      const auto& s = data.network[at];
      if (s.step < from) continue;
      const auto value = static_cast<double>(s.frame[static_cast<size_t>(feature)]);
      missing = missing || std::isnan(value);
      seen += std::isnan(value) ? 0 : value;
      const auto it = s.forecast.find(feature);
      if (it == s.forecast.end()) continue;
      ++forecast;
      sum.low += it->second.low;
      sum.middle += it->second.middle;
      sum.high += it->second.high;
    }
    const double x = static_cast<double>(from + to) / 2 * static_cast<double>(data.step_ms);
    const auto n = static_cast<double>(to - from);
    const double y = missing && seen == 0 ? std::nan("") : rate_of(seen / n, data, factor);
    out.seen.emplace_back(x, y);
    if (!std::isnan(y)) out.most = std::max(out.most, y);
    if (forecast < to - from) continue;
    out.low.emplace_back(x, rate_of(sum.low / n, data, factor));
    out.middle.emplace_back(x, rate_of(sum.middle / n, data, factor));
    out.high.emplace_back(x, rate_of(sum.high / n, data, factor));
  }
  return out;
}

// The band may be far above what was seen; the axis follows it up to twice that.
double top_of(const Series& s) {
  double top = s.most;
  for (const auto& [x, y] : s.high) top = std::max(top, std::min(y, 2 * s.most));
  return top > 0 ? top * 1.08 : 1;
}

struct Size {
  int width;
  int height;
  const char* shown;  // class
};
constexpr Size kSizes[] = {{1040, 250, "wide"}, {400, 250, "narrow"}};

std::string chart(const ReportData& data, const Series& s, const Quantity& q, const char* direction,
                  const Size& size) {
  const auto ms = static_cast<double>(data.step_ms);
  eval::Axis x{"", static_cast<double>(data.first_step) * ms, static_cast<double>(data.end_step) * ms};
  x.time = true;
  eval::Chart c(x, {q.unit, 0, top_of(s)}, size.width, size.height);
  c.left_margin(70);
  const auto all = shown_alerts(data);
  for (const auto& shown : suspected(all)) {
    const auto* a = shown.row.alert;
    const base::TimeMs start = shown.row.start_ms();
    const base::TimeMs end = a != nullptr ? a->end_ms : shown.row.incident->end_ms;
    const auto name = a != nullptr ? attack_name(a->guess.type) + " on " + a->node
                                   : attack_name(shown.row.incident->type) + " on " +
                                         shown.row.incident->prefix.to_string();
    c.span(static_cast<double>(start), static_cast<double>(end != 0 ? end : data.alerts.last_ms), name);
  }
  // Runs of steps that have a forecast.
  const double gap = 1.5 * ms * static_cast<double>(s.together);
  for (size_t begin = 0; begin < s.low.size();) {
    size_t end = begin + 1;
    while (end < s.low.size() && s.low[end].first - s.low[end - 1].first <= gap) ++end;
    const auto part = [&](const Points& p) {
      return Points(p.begin() + static_cast<std::ptrdiff_t>(begin),
                    p.begin() + static_cast<std::ptrdiff_t>(end));
    };
    c.band(part(s.low), part(s.high), 0, 0.22);
    c.line(part(s.middle), 8, "forecast, median");
    begin = end;
  }
  c.line(s.seen, 1, fmt::format("{} {}", q.name, direction));
  return fmt::format("<div class=\"{}\">{}</div>", size.shown,
                     c.svg(fmt::format("{} a second {} over time, with the forecast", q.name, direction)));
}

std::string band_words(const ReportData& data) {
  const double within = data.model.high - data.model.low;
  return fmt::format(
      "The shaded band is the model's forecast, made one step ({}) before, of the whole as if it were one "
      "node: about {:.0f} of "
      "100 steps of ordinary traffic lie in it. It is no sum of the nodes' bands, which cannot be added up.",
      detect::duration_text(data.step_ms), 100 * within);
}

std::string part(const ReportData& data, const Quantity& q, bool open) {
  std::string charts;
  int64_t together = 1;
  // Where all addresses are own, every flow is both.
  const bool both = data.kind == "store" || (data.flows && !data.flows->own.prefixes.empty());
  for (const auto& [feature, direction] :
       {std::pair<int, const char*>{q.in, both ? "in" : ""}, {q.out, "out"}}) {
    if (!known(data, feature) || (!both && feature == q.out)) continue;
    const Series s = series_of(data, feature, q.factor);
    together = s.together;
    charts += fmt::format("<h3>{}{}{}</h3>", q.name, *direction != '\0' ? " " : "", direction);
    for (const auto& size : kSizes) charts += chart(data, s, q, direction, size);
  }
  if (charts.empty()) return "";
  const std::string note =
      together > 1 ? fmt::format("<p class=\"dim\">A point is the mean of {} steps.</p>", together) : "";
  if (open) return charts + note;
  return fmt::format("<details><summary>{} over time</summary><div>{}{}</div></details>\n", q.name, charts,
                     note);
}

}  // namespace

std::string traffic_section(const ReportData& data) {
  std::string out = "<section id=\"traffic\"><h2>Traffic over time</h2>\n";
  const bool forecast = std::any_of(data.network.begin(), data.network.end(),
                                    [](const auto& s) { return !s.forecast.empty(); });
  if (data.kind == "store") {
    out +=
        "<p>Sums over all nodes of the store. Nodes that contain each other, such as a prefix and its hosts, "
        "count twice.</p>";
  } else if (data.flows && data.flows->own.prefixes.empty()) {
    out += "<p>All flows, since no addresses are known to be the network's own.</p>";
  } else {
    out +=
        "<p><b>In</b>: traffic to the network's own addresses. <b>Out</b>: traffic from them. A flow between "
        "two of them is both.</p>";
  }
  if (forecast) out += "<p>" + band_words(data) + "</p>";
  std::vector<std::pair<std::string, int>> legend = {{"seen", 1}};
  if (forecast) legend.insert(legend.end(), {{"forecast (band and median)", 8}});
  out += eval::legend(legend);
  if (!suspected(shown_alerts(data)).empty()) out += "<p class=\"dim\">Red areas are suspected attacks.</p>";
  bool open = true;
  for (const auto& q : kQuantities) {
    const std::string charts = part(data, q, open);
    if (!charts.empty()) open = false;
    out += charts;
  }
  return out + "</section>\n";
}

}  // namespace netflowgen::report
