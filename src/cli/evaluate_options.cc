// What the evaluate commands' options have in common.
#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/time.h"
#include "cli/evaluate_forecast.h"

namespace netflowgen::cli {

namespace fs = std::filesystem;

void check_covers(base::TimeMs from, base::TimeMs to, const eval::Period& p, const std::string& text,
                  const char* option) {
  if (std::max(p.from_ms, from) < std::min(p.to_ms, to)) return;
  if (text.empty()) {
    throw base::Error(
        "the store covers {} to {}, too short for the default periods; name them with --train and --test",
        base::format_time(from), base::format_time(to));
  }
  throw base::Error("{} {}: the store has no frame in that period; it covers {} to {}", option, text,
                    base::format_time(from), base::format_time(to));
}

eval::Period parse_period(const std::string& text, const char* option) {
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto from = base::parse_time(std::string_view(text).substr(0, slash));
    const auto to = base::parse_time(std::string_view(text).substr(slash + 1));
    if (from && to && *from < *to) return {*from, *to};
  }
  throw base::UsageError("{} {}: expected FROM/TO, e.g. 1998-06-01/1998-07-01", option, text);
}

void PeriodTexts::add_to(Command& command) {
  command.add_option("--train", train,
                     "Training period FROM/TO, validation included (default: the first 60 %)");
  command.add_option("--validation", validation, "Late part of it (default: its last quarter)");
  command.add_option("--test", test, "Test period (default: what follows training)");
}

void PeriodTexts::resolve(const series::FrameTable& table, eval::Period& train_period,
                          eval::Period& validation_period, eval::Period& test_period) const {
  const base::TimeMs from = table.first_step * table.step_ms;
  const base::TimeMs to = table.end_step * table.step_ms;
  constexpr base::TimeMs kHour = 3'600'000;
  train_period = train.empty() ? eval::Period{from, (from + (to - from) * 6 / 10) / kHour * kHour}
                               : parse_period(train, "--train");
  const base::TimeMs length = train_period.to_ms - train_period.from_ms;
  validation_period =
      validation.empty() ? eval::Period{(train_period.to_ms - length / 4) / kHour * kHour, train_period.to_ms}
                         : parse_period(validation, "--validation");
  test_period = test.empty() ? eval::Period{train_period.to_ms, to} : parse_period(test, "--test");
  check_covers(from, to, train_period, train, "--train");
  if (!validation.empty()) check_covers(from, to, validation_period, validation, "--validation");
  check_covers(from, to, test_period, test, "--test");
}

int64_t parse_duration_ms(const std::string& text, const char* option) {
  const auto ms = base::parse_duration(text);
  if (!ms || *ms < 0) throw base::UsageError("{} {}: expected a duration, e.g. 10m", option, text);
  return *ms;
}

std::vector<eval::TrainingLog> read_logs(const std::vector<std::string>& paths) {
  std::vector<eval::TrainingLog> logs;
  for (const auto& path : paths) {
    const fs::path file = fs::is_directory(path) ? fs::path(path) / "training.jsonl" : fs::path(path);
    logs.push_back(
        eval::read_training_log(file.string(), fs::absolute(file).parent_path().filename().string()));
  }
  return logs;
}

}  // namespace netflowgen::cli
