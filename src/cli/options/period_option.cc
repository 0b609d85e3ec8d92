#include "cli/options/period_option.h"

#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace netflowgen::cli {
namespace {

int64_t parse_bound(std::string_view text, int64_t step_ms, int64_t when_empty, const char* option) {
  if (text.empty()) return when_empty;
  const auto time = base::parse_time(text);
  if (!time)
    throw base::UsageError("{}: '{}' is not a date or time (e.g. 1998-06-22 or 1998-06-22T12:00:00)", option,
                           text);
  return base::step_of(*time, step_ms);
}

}  // namespace

StepPeriod parse_period(const std::string& text, int64_t step_ms, const char* option) {
  if (text.empty()) return {};
  const size_t slash = text.find('/');
  if (slash == std::string::npos)
    throw base::UsageError("{}: '{}' is not FROM/TO (e.g. 1998-06-01/1998-06-22)", option, text);
  const StepPeriod p{parse_bound(std::string_view(text).substr(0, slash), step_ms, INT64_MIN, option),
                     parse_bound(std::string_view(text).substr(slash + 1), step_ms, INT64_MAX, option)};
  if (p.from >= p.to) throw base::UsageError("{}: '{}' is empty: FROM is not before TO", option, text);
  return p;
}

}  // namespace netflowgen::cli
