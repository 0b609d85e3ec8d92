#include <fmt/format.h>

#include <cmath>

#include "eval/congestion/congestion_eval.h"
#include "eval/json.h"

namespace netflowgen::eval {

namespace {

// Skill is not defined where the best baseline makes no error, AUROC where all cells are events or none is.
std::string cell(double x) { return std::isnan(x) ? "-" : fmt::format("{:.3f}", x); }

std::string interval_cell(const Interval& i) {
  return std::isnan(i.low) ? "-" : cell(i.low) + " to " + cell(i.high);
}

// Why nothing can be compared; empty: it can be.
std::string one_outcome(const CongestionResult& r, size_t h) {
  if (r.base_rate[h] == 0)
    return "no cell is an event, so nothing can be compared here; a lower --share or --quantile gives some\n";
  if (r.base_rate[h] == 1)
    return "every cell is an event, so nothing can be compared here; a higher --share or --quantile gives "
           "others\n";
  return "";
}

}  // namespace

std::string congestion_table(const CongestionResult& r, const FrameTable& table) {
  std::string text = fmt::format(
      "{} series with a threshold, {} of them without traffic in the test period; {} without one\n", r.series,
      r.silent, r.without);
  for (size_t h = 0; h < r.options.horizons.size(); ++h) {
    text += fmt::format("\nwithin {} steps ({} s): {} cells, {:.2f} % of them events; best baseline: {}\n",
                        r.options.horizons[h], r.options.horizons[h] * table.step_ms / 1000, r.cells[h],
                        100 * r.base_rate[h], r.best[h]);
    text += one_outcome(r, h);
    text += fmt::format("{:<34}{:>9}{:>8}{:>19}{:>9}{:>8}\n", "method", "Brier", "skill", "95 %", "mean p",
                        "AUROC");
    for (const auto& s : r.summaries) {
      if (s.horizon != h) continue;
      text += fmt::format("{:<34}{:>9.5f}{:>8}{:>19}{:>9.4f}{:>8}\n", s.method, s.brier, cell(s.skill),
                          interval_cell(s.skill_interval), s.mean, cell(s.auroc));
    }
  }
  return text;
}

std::string congestion_json(const CongestionResult& r, const FrameTable& table) {
  Json horizons = Json::array();
  for (size_t h = 0; h < r.options.horizons.size(); ++h) {
    Json methods = Json::array();
    for (const auto& s : r.summaries) {
      if (s.horizon != h) continue;
      methods.push_back(
          {{"method", s.method},
           {"brier", number_json(s.brier)},
           {"skill", number_json(s.skill)},
           {"skill_95", {number_json(s.skill_interval.low), number_json(s.skill_interval.high)}},
           {"mean_probability", number_json(s.mean)},
           {"auroc", number_json(s.auroc)}});
    }
    horizons.push_back({{"steps", r.options.horizons[h]},
                        {"cells", r.cells[h]},
                        {"base_rate", number_json(r.base_rate[h])},
                        {"best_baseline", r.best[h]},
                        {"methods", methods}});
  }
  return Json{{"protocol",
               {{"train", period_json(r.options.train)},
                {"validation", period_json(r.options.validation)},
                {"test", period_json(r.options.test)},
                {"step_ms", table.step_ms}}},
              {"series", r.series},
              {"silent", r.silent},
              {"without_threshold", r.without},
              {"horizons", horizons}}
             .dump(1) +
         "\n";
}

}  // namespace netflowgen::eval
