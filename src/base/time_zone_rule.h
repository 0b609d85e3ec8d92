// The daylight-saving rule in the footer of a time zone file: a POSIX TZ string with the extensions of RFC 8536, 3.3.1,
// such as "CET-1CEST,M3.5.0,M10.5.0/3". Used by time_zone.cc alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace netflowgen::base {

// One day of a year and the seconds after its local midnight at which the clock changes.
struct ZoneRuleDay {
  enum class Kind : uint8_t {
    kMonthWeekDay,  // Mm.w.d: the w-th weekday d of month m, 5 is the last
    kJulian,        // Jn: 1 to 365, February 29 never counts
    kZeroBased,     // n: 0 to 365, February 29 counts
  };
  Kind kind = Kind::kMonthWeekDay;
  int month = 1;
  int week = 1;
  int day = 0;
  int64_t seconds = 7200;

  // Seconds since the Unix epoch of that local time, read as if it were UTC.
  int64_t in_year(int year) const;
};

struct ZoneRule {
  int64_t standard_s = 0;  // east of UTC
  bool has_daylight = false;
  int64_t daylight_s = 0;
  ZoneRuleDay start;  // in standard time
  ZoneRuleDay end;    // in daylight time

  // nullopt: the text is no rule.
  static std::optional<ZoneRule> parse(std::string_view text);
};

}  // namespace netflowgen::base
