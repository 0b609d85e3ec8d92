// netflowgen evaluate forecast and evaluate holdout, and what evaluate's commands have in common.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "eval/labels.h"
#include "eval/report/report.h"

namespace netflowgen::cli {

struct PeriodTexts {
  std::string train;
  std::string validation;
  std::string test;

  void add_to(Command& command);
  // Defaults are cut at whole hours. UsageError names the option. Error: a period is outside the table's time.
  void resolve(const series::FrameTable& table, eval::Period& train_period, eval::Period& validation_period,
               eval::Period& test_period) const;
};

// "FROM/TO": two times as base::parse_time takes them; [FROM, TO).
eval::Period parse_period(const std::string& text, const char* option);
// Error: the store, which covers [from, to), has no step in the period. `text` is what the user gave for `option`; empty: a default.
void check_covers(base::TimeMs from, base::TimeMs to, const eval::Period& p, const std::string& text,
                  const char* option);
// UsageError unless it is a duration >= 0.
int64_t parse_duration_ms(const std::string& text, const char* option);
// Training logs for the report, named by the folder that they lie in.
std::vector<eval::TrainingLog> read_logs(const std::vector<std::string>& paths);

void add_evaluate_forecast(Command& evaluate, Context& context);
void add_evaluate_holdout(Command& evaluate, Context& context);

}  // namespace netflowgen::cli
