#include <fmt/format.h>

#include "eval/congestion/congestion_eval.h"
#include "eval/json.h"

namespace netflowgen::eval {

std::string congestion_table(const CongestionResult& r, const FrameTable& table) {
  std::string text = fmt::format(
      "{} series with a threshold, {} of them without traffic in the test period; {} without one\n", r.series,
      r.silent, r.without);
  for (size_t h = 0; h < r.options.horizons.size(); ++h) {
    text += fmt::format("\nwithin {} steps ({} s): {} cells, {:.2f} % of them events; best baseline: {}\n",
                        r.options.horizons[h], r.options.horizons[h] * table.step_ms / 1000, r.cells[h],
                        100 * r.base_rate[h], r.best[h]);
    text += fmt::format("{:<34}{:>9}{:>8}{:>19}{:>9}{:>8}\n", "method", "Brier", "skill", "95 %", "mean p",
                        "AUROC");
    for (const auto& s : r.summaries) {
      if (s.horizon != h) continue;
      text += fmt::format("{:<34}{:>9.5f}{:>8.3f}{:>19}{:>9.4f}{:>8.3f}\n", s.method, s.brier, s.skill,
                          fmt::format("{:.3f} to {:.3f}", s.skill_interval.low, s.skill_interval.high),
                          s.mean, s.auroc);
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
