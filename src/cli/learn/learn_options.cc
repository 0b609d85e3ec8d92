#include "cli/learn/learn_options.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/options/period_option.h"

namespace netflowgen::cli {

learn::StepRange parse_range(const std::string& text, int64_t step_ms, const char* option) {
  const StepPeriod period = parse_period(text, step_ms, option);
  return {period.from, period.to};
}

learn::StepRange range_in(const std::string& text, const series::FrameTable& table, const char* option) {
  const learn::StepRange asked = parse_range(text, table.step_ms, option);
  const learn::StepRange found{std::max(asked.from, table.first_step), std::min(asked.to, table.end_step)};
  if (found.from < found.to) return found;
  throw base::Error("{} {}: the store has no frame in that period; it covers {} to {}", option, text,
                    base::format_time(table.first_step * table.step_ms),
                    base::format_time(table.end_step * table.step_ms));
}

std::vector<int> parse_steps(const std::vector<std::string>& texts, int64_t step_ms, const char* option) {
  std::vector<int> steps;
  for (const auto& text : texts) {
    const auto ms = base::parse_duration(text);
    if (!ms || *ms <= 0)
      throw base::UsageError("{}: '{}' is not a duration (e.g. 60s, 5m, 1h, 7d)", option, text);
    if (*ms % step_ms != 0)
      throw base::UsageError("{}: {} is not a multiple of the store's {} ms steps", option, text, step_ms);
    steps.push_back(static_cast<int>(*ms / step_ms));
  }
  return steps;
}

std::vector<size_t> active_nodes(const series::FrameTable& table, const std::vector<size_t>& nodes,
                                 learn::StepRange range, double share) {
  const auto carries = [&](size_t row) {
    for (size_t f = 0; f < series::kFeatureCount; ++f) {
      if (series::kFeatures[f].kind == series::Kind::kVolume && table.frame(row)[f] > 0) return true;
    }
    return false;
  };
  std::vector<size_t> kept;
  for (size_t i = 0; i < (nodes.empty() ? table.nodes.size() : nodes.size()); ++i) {
    const size_t node = nodes.empty() ? i : nodes[i];
    size_t rows = 0;
    size_t active = 0;
    for (size_t row = table.lower_bound(node, range.from);
         row < table.offsets[node + 1] && table.steps[row] < range.to; ++row) {
      ++rows;
      active += carries(row) ? 1 : 0;
    }
    if (rows > 0 && static_cast<double>(active) >= share * static_cast<double>(rows)) kept.push_back(node);
  }
  if (kept.empty()) throw base::Error("--min-active {} leaves no node to learn from", share);
  return kept;
}

void add_head_options(Command& c, study::HeadChoice& head) {
  const learn::HeadOptions defaults;
  c.add_option("--head", head.file,
               "YAML file of what else a head is made of (docs/tasks.md); its keys and defaults: " +
                   study::head_keys_text())
      ->group(kAdvancedGroup);
  c.add_option("--trees", head.trees, "Boosted trees beside the linear head; 0: none")
      ->check(in_range(0, model::kMaxTrees))
      ->default_str(std::to_string(defaults.trees))
      ->group(kAdvancedGroup);
  c.add_option("--members", head.members, "Small networks beside the linear head")
      ->check(in_range(0, 64))
      ->default_str(std::to_string(defaults.members))
      ->group(kAdvancedGroup);
}

}  // namespace netflowgen::cli
