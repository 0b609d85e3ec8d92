// How a column writes its times. Compiled once, when a header or a map is read; parsing allocates nothing.
//
// A format is a name or a pattern:
//   "iso"                       2024-01-31 08:12:00.123, with T, a blank or a dot, - or /; Z or +hh:mm; Unix
//                               seconds too
//   "unix", "unix_ms", "unix_us", "unix_ns"    a number since 1970
//   "unix_or_iso"               Unix seconds, which are tried first, or iso
//   "unix_or_ms_or_iso"         the same, and a number of 12 digits or more is milliseconds
//   "unix_ms_or_iso"            the same with whole milliseconds: a number of 13 digits
//   "cicflowmeter"              day first, "7/7/2017 3:30": no AM or PM is written, so hours 1 to 7 are the
//                               afternoon
//   anything with a %           as strptime: %Y %y %m %d %e %b %H %I %M %S %f %p %z %s %T %F %j %%; a blank
//                               matches any number of blanks
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace netflowgen::flow {

class TimeFormat {
 public:
  TimeFormat() = default;
  explicit TimeFormat(std::string_view format);  // Error: neither a name nor a pattern
  // Index i of a column is the time start + i * interval_ms.
  static TimeFormat index(base::TimeMs start, int64_t interval_ms);
  // Index i is times[i]; kNoTime: there is no such index.
  static TimeFormat table(std::vector<base::TimeMs> times);
  static constexpr base::TimeMs kNoTime = INT64_MIN;

  // Milliseconds as written. `zoned`: the text itself says how far from UTC, so no local offset applies.
  // False: not a time, or an impossible one (July 32).
  bool parse(std::string_view text, base::TimeMs& time, bool& zoned) const;

 private:
  bool parse_index(std::string_view text, base::TimeMs& time) const;

  enum class Kind : uint8_t { kIso, kUnix, kUnixOrIso, kUnixMsOrIso, kCicFlowMeter, kPattern, kIndex };

  Kind kind_ = Kind::kIso;
  bool or_ms_ = false;        // of kUnixOrIso
  double unix_unit_ = 1;      // seconds
  uint64_t units_in_ms_ = 0;  // of units shorter than a second; 0: seconds
  std::string pattern_;
  base::TimeMs start_ = 0;  // of index 0
  int64_t interval_ms_ = 0;
  std::vector<base::TimeMs> table_;  // by index; empty: start_ and interval_ms_
};

}  // namespace netflowgen::flow
