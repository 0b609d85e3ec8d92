#include <cmath>

#include <fmt/format.h>

#include "base/time.h"
#include "eval/forecast/forecast_eval.h"
#include "eval/json.h"
#include "eval/results.h"

namespace netflowgen::eval {
namespace {

Json numbers(const std::vector<double>& values) {
  Json j = Json::array();
  for (const double v : values) j.push_back(number_json(v));
  return j;
}

std::string feature_name(const ForecastData& d, size_t feature) {
  return std::string(series::kFeatures[static_cast<size_t>(d.options.features[feature])].name);
}

Json protocol_json(const ForecastData& d) {
  Json horizons = Json::array();
  for (const auto h : d.options.horizons) horizons.push_back(h * d.table->step_ms);
  Json features = Json::array();
  for (size_t f = 0; f < d.options.features.size(); ++f) features.push_back(feature_name(d, f));
  size_t unseen = 0;
  for (const bool u : d.unseen) unseen += u ? 1 : 0;
  return {{"train", period_json(d.options.train)},
          {"validation", period_json(d.options.validation)},
          {"test", period_json(d.options.test)},
          {"step_ms", d.table->step_ms},
          {"horizons_ms", horizons},
          {"features", features},
          {"season_ms", d.options.season_ms},
          {"origin_every_ms", d.options.every_ms},
          {"origins", d.origins.size()},
          {"nodes", d.table->nodes.size()},
          {"unseen_nodes", unseen},
          {"most_zeros", d.options.most_zeros},
          {"least_change", d.options.least_change}};
}

Json series_json(const ForecastResult& r, size_t k) {
  const auto& s = r.data.series[k];
  Json j = {{"node", r.data.table->nodes[s.node]},
            {"feature", feature_name(r.data, s.feature)},
            {"group", name_of(s.group)},
            {"unseen", s.unseen},
            {"zeros", s.zeros},
            {"cells", s.cells},
            {"naive", numbers(s.naive)},
            {"scale", number_json(s.scale)}};
  for (const auto& run : r.runs) {
    j["methods"][run.method] = {{"absolute", numbers(run.series[k].absolute)},
                                {"quantile", numbers(run.series[k].quantile)}};
  }
  return j;
}

std::string side(bool unseen) { return unseen ? "unseen" : "seen"; }

// "5m", "1h", "90s".
std::string short_duration(int64_t ms) {
  if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  return fmt::format("{}s", static_cast<double>(ms) / 1000);
}

std::string text(double v) { return std::isfinite(v) ? fmt::format("{:.3f}", v) : "-"; }

}  // namespace

std::string forecast_json(const ForecastResult& r) {
  Json j = {{"protocol", protocol_json(r.data)}};
  for (const auto& s : r.summaries) {
    j["summaries"].push_back({{"method", s.method},
                              {"group", name_of(s.group)},
                              {"nodes", side(s.unseen)},
                              {"horizon_ms", r.data.options.horizons[s.horizon] * r.data.table->step_ms},
                              {"series", s.series},
                              {"absolute_share", number_json(s.absolute)},
                              {"quantile_share", number_json(s.quantile)},
                              {"quantile_share_mean", number_json(s.quantile_mean)},
                              {"mase", number_json(s.mase)},
                              {"above_1.5_trees_absolute", number_json(s.much_worse)},
                              {"above_1.5_trees_quantile", number_json(s.much_worse_quantile)}});
  }
  for (const auto& s : r.next) {
    j["next_step"].push_back({{"method", s.method},
                              {"nodes", side(s.unseen)},
                              {"cells", s.cells},
                              {"bits", number_json(s.bits)},
                              {"accuracy", number_json(s.accuracy)},
                              {"accuracy_changed", number_json(s.accuracy_changed)},
                              {"changed", number_json(s.changed)}});
  }
  for (const auto& run : r.runs) j["seconds"][run.method] = run.seconds;
  for (size_t k = 0; k < r.data.series.size(); ++k) {
    if (r.data.series[k].group != SeriesGroup::kShort) j["series"].push_back(series_json(r, k));
  }
  return j.dump(1) + "\n";
}

std::string forecast_table(const ForecastResult& r) {
  size_t counts[4][2] = {};
  for (const auto& s : r.data.series) ++counts[static_cast<size_t>(s.group)][s.unseen ? 1 : 0];
  std::string out = "series (seen + unseen nodes):";
  for (size_t g = 0; g < 4; ++g) {
    out += fmt::format("{} {} {} + {}", g == 0 ? "" : ",", name_of(static_cast<SeriesGroup>(g)), counts[g][0],
                       counts[g][1]);
  }
  out += fmt::format("; {} origins\n", r.data.origins.size());
  std::string title;
  for (const auto& s : r.summaries) {
    const std::string now = fmt::format(
        "\n{} series of {} nodes, {} ahead ({} series): share of seasonal naive, geometric mean\n",
        name_of(s.group), side(s.unseen),
        short_duration(r.data.options.horizons[s.horizon] * r.data.table->step_ms), s.series);
    if (now != title) {
      out += now + fmt::format("{:<28}{:>9}{:>10}{:>8}{:>22}\n", "method", "absolute", "quantile", "MASE",
                               "above 1.5 x trees");
      title = now;
    }
    const auto percent = [](double v) { return std::isfinite(v) ? fmt::format("{:.1f} %", 100 * v) : "-"; };
    out += fmt::format("{:<28}{:>9}{:>10}{:>8}{:>22}\n", s.method, text(s.absolute), text(s.quantile),
                       text(s.mase), percent(s.much_worse) + " / " + percent(s.much_worse_quantile));
  }
  if (r.next.empty()) return out;
  out += fmt::format("\n{:<28}{:>8}{:>8}{:>10}{:>11}{:>10}\n", "next step, as bins", "nodes", "bits",
                     "accuracy", "on changed", "cells");
  for (const auto& s : r.next) {
    out += fmt::format("{:<28}{:>8}{:>8}{:>10}{:>11}{:>10}\n", s.method, side(s.unseen), text(s.bits),
                       text(s.accuracy), text(s.accuracy_changed), s.cells);
  }
  return out;
}

}  // namespace netflowgen::eval
