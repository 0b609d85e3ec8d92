// A period as an option's value: FROM/TO, each a date or time or empty.
#pragma once

#include <cstdint>
#include <string>

namespace netflowgen::cli {

// Steps since the epoch, [from, to).
struct StepPeriod {
  int64_t from = INT64_MIN;
  int64_t to = INT64_MAX;
};

// "": all. UsageError names the option: not a period, or an empty one.
StepPeriod parse_period(const std::string& text, int64_t step_ms, const char* option);

}  // namespace netflowgen::cli
