// Time as a value: milliseconds since the Unix epoch, UTC. No stage reads a clock (see design: Ledger).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netflowgen::base {

using TimeMs = int64_t;

inline constexpr int64_t kHourMs = 3'600'000;
inline constexpr int64_t kDayMs = 24 * kHourMs;

// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's algorithm). No validation.
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);

// Milliseconds of a date and time of day in UTC; nullopt when a part is out of range (July 32).
std::optional<TimeMs> make_time(int year, int month, int day, int hour, int minute, int second, int ms = 0);

// Accepts "1998-06-03 08:12:00", "1998-06-03T08:12:00.123", a trailing "Z", a date alone, or Unix seconds
// ("1372629804", "1655071198.444458"). nullopt when it is none of these.
std::optional<TimeMs> parse_time(std::string_view text);

// "1998-06-03T08:12:00Z", with ".123" where there are milliseconds.
std::string format_time(TimeMs time);

// "60s", "5m", "1h", "2d", "500ms", or a number of seconds; milliseconds, nullopt when it is not a duration.
std::optional<int64_t> parse_duration(std::string_view text);

// Floor division: the step that `time` falls in.
constexpr int64_t step_of(TimeMs time, int64_t step_ms) {
  const int64_t q = time / step_ms;
  return q - (time % step_ms < 0 ? 1 : 0);
}

}  // namespace netflowgen::base
