// The report's forecast section: shares of seasonal naive, the categorical next step, fans over truth.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "eval/forecast/forecast_eval.h"
#include "eval/report/report_parts.h"
#include "eval/report/svg.h"

namespace netflowgen::eval {
namespace {

std::string text(double v) { return std::isfinite(v) ? fmt::format("{:.3f}", v) : "–"; }

std::string horizon_text(const ForecastData& d, size_t h) {
  return duration_text(static_cast<double>(d.options.horizons[h] * d.table->step_ms));
}

const ForecastSummary* find(const ForecastResult& r, const std::string& method, SeriesGroup group,
                            bool unseen, size_t h) {
  for (const auto& s : r.summaries) {
    if (s.method == method && s.group == group && s.unseen == unseen && s.horizon == h) return &s;
  }
  return nullptr;
}

// A row a method; for each horizon the absolute error's and the quantile loss's share, best in bold.
std::string share_table(const ForecastResult& r, SeriesGroup group, bool unseen) {
  const size_t horizons = r.data.options.horizons.size();
  std::vector<double> best(2 * horizons, INFINITY);
  size_t series = 0;
  for (const auto& s : r.summaries) {
    if (s.group != group || s.unseen != unseen) continue;
    series = std::max(series, s.series);
    best[2 * s.horizon] = std::min(best[2 * s.horizon], s.absolute);
    best[2 * s.horizon + 1] = std::min(best[2 * s.horizon + 1], s.quantile);
  }
  if (series == 0) return "";
  HtmlTable out;
  out.column("method");
  for (size_t h = 0; h < horizons; ++h) {
    for (const char* what : {"absolute", "quantile", "above 1.5 × trees"})
      out.column(horizon_text(r.data, h) + "<br>" + what);
  }
  for (const auto& run : r.runs) {
    out.row();
    out.cell(escape_html(run.method));
    for (size_t h = 0; h < horizons; ++h) {
      const auto* s = find(r, run.method, group, unseen, h);
      const auto cell = [&](double v, double top) {
        out.cell(v <= top ? "<b>" + text(v) + "</b>" : text(v));
      };
      if (s == nullptr) {
        for (int i = 0; i < 3; ++i) out.cell("–");
        continue;
      }
      cell(s->absolute, best[2 * h]);
      cell(s->quantile, best[2 * h + 1]);
      out.cell(std::isfinite(s->much_worse) ? fmt::format("{:.1f} %", 100 * s->much_worse) : "–");
    }
  }
  return fmt::format("<h3>{} series of {} nodes ({})</h3>", name_of(group), unseen ? "unseen" : "seen",
                     series) +
         out.html();
}

std::string next_table(const ForecastResult& r) {
  if (r.next.empty()) return "";
  HtmlTable out;
  for (const char* label : {"method", "nodes", "bits a feature", "accuracy", "accuracy on changed", "cells"})
    out.column(label);
  for (const auto& s : r.next) {
    out.row();
    for (const auto& cell : {escape_html(s.method), std::string(s.unseen ? "unseen" : "seen"), text(s.bits),
                             text(s.accuracy), text(s.accuracy_changed), std::to_string(s.cells)})
      out.cell(cell);
  }
  return "<h3>Next step as bins</h3>" + out.html();
}

// Truth with the bands of one horizon's forecasts at their targets. Tops far above the forecasts are cut.
std::string fan_chart(const ForecastResult& r, const Fan& fan) {
  std::vector<double> values;
  for (const auto& [t, v] : fan.truth) {
    if (std::isfinite(v)) values.push_back(v);
  }
  Chart::Points bands[5];  // .1 .3 .5 .7 .9
  for (size_t i = 0; i < fan.times.size(); ++i) {
    for (size_t k = 0; k < 5; ++k)
      bands[k].emplace_back(fan.times[i], double{fan.quantiles[i * kQuantiles + 2 * k]});
    values.push_back(double{fan.quantiles[i * kQuantiles + kQuantiles - 1]});
  }
  if (values.empty() || fan.times.empty()) return "";
  const double high = std::max(quantile(values, 0.98) * 1.1, 1e-9);
  Chart chart({"", fan.truth.front().first, fan.times.back(), false, true}, {fan.feature, 0, high}, 560, 240);
  chart.band(bands[0], bands[4], 0, 0.18);
  chart.band(bands[1], bands[3], 0, 0.3);
  chart.line(fan.truth, 7, "truth");
  chart.line(bands[2], 0, "median forecast");
  return "<div><h3>" + escape_html(fan.node) + ", " + escape_html(fan.feature) + ", " +
         horizon_text(r.data, fan.horizon) + " ahead<span class=\"tag\">" + (fan.unseen ? "unseen" : "seen") +
         "</span></h3>" +
         chart.svg(fmt::format("Forecasts of {} over the truth, {}", fan.feature, fan.node)) + "</div>";
}

// The past, then the median and its middle 40 % and 80 %, which all begin at the last value known.
std::string future_chart(const NodeFan& fan) {
  Chart::Points bands[5];  // .1 .3 .5 .7 .9
  double high = 1e-9;
  for (const auto& [t, v] : fan.past) {
    if (std::isfinite(v)) high = std::max(high, v);
  }
  if (std::isfinite(fan.past.back().second)) {
    for (auto& band : bands) band.push_back(fan.past.back());
  }
  for (size_t i = 0; i < fan.times.size(); ++i) {
    for (size_t k = 0; k < 5; ++k)
      bands[k].emplace_back(fan.times[i], double{fan.quantiles[i * kQuantiles + 2 * k]});
    high = std::max(high, bands[4].back().second);
  }
  Chart chart({"", fan.past.front().first, fan.times.back(), false, true},
              {fan.feature + ", " + fan.unit, 0, 1.1 * high}, 560, 240);
  chart.band(bands[0], bands[4], 0, 0.18);
  chart.band(bands[1], bands[3], 0, 0.3);
  chart.line(fan.past, 7, "so far");
  chart.line(bands[2], 0, "median forecast");
  chart.dots(bands[2], 0, "median forecast");
  return "<div><h3>" + escape_html(fan.feature) + "</h3>" +
         chart.svg(fmt::format("Forecast of {} behind what it was", fan.feature)) + "</div>";
}

}  // namespace

std::string fan_section(const std::vector<NodeFan>& fans) {
  std::string out =
      "<section id=\"fans\"><h2>Forecast</h2><p class=\"dim\">The median, its middle 40 % and "
      "80 % at the times marked, joined by straight lines.</p>" +
      legend({{"so far", 7}, {"forecast", 0}}) + "<div class=\"grid2\">";
  for (const auto& f : fans) {
    if (!f.past.empty() && !f.times.empty()) out += future_chart(f);
  }
  return out + "</div></section>\n";
}

std::string forecast_section(const ForecastResult& r) {
  std::string out =
      "<section id=\"forecast\"><h2>Forecasts</h2><p>Errors as a share of seasonal naive's (1 is no better "
      "than "
      "yesterday's value), geometric mean over series. A method that gives no distribution has every "
      "quantile at its "
      "point. Definitions: docs/evaluation.md.</p>";
  for (const SeriesGroup group : {SeriesGroup::kActive, SeriesGroup::kMostlyZero}) {
    for (const bool unseen : {false, true}) out += share_table(r, group, unseen);
  }
  out += next_table(r);
  const std::string method = r.shown_method();
  const auto shown = [&](const Fan& f) { return f.method == method; };
  if (std::any_of(r.fans.begin(), r.fans.end(), shown)) {
    out += "<h3>Fans of " + escape_html(method) +
           "</h3><p class=\"dim\">Each forecast is drawn at the time it "
           "is of: its median, its middle 40 % and 80 %.</p>" +
           legend({{"truth", 7}, {"forecast", 0}}) + "<div class=\"grid2\">";
    for (const auto& f : r.fans) {
      if (shown(f)) out += fan_chart(r, f);
    }
    out += "</div>";
  }
  return out + "</section>\n";
}

}  // namespace netflowgen::eval
