// How a column writes its times. Compiled once, when a header or a map is read; parsing allocates nothing.
//
// A format is a name or a pattern:
//   "iso"                       2024-01-31 08:12:00.123, with T or a blank, - or /; Z or +hh:mm; Unix seconds
//   too "unix", "unix_ms", "unix_us", "unix_ns"    a number since 1970 "cicflowmeter"              day first,
//   "7/7/2017 3:30": no AM or PM is written, so hours 1 to 7 are the afternoon anything with a %           as
//   strptime: %Y %y %m %d %e %b %H %I %M %S %f %p %z %s %T %F %j %%; a blank matches any
//                               number of blanks
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace netflowgen::flow {

class TimeFormat {
 public:
  TimeFormat() = default;
  explicit TimeFormat(std::string_view format);  // Error: neither a name nor a pattern

  // Milliseconds as written. `zoned`: the text itself says how far from UTC, so no local offset applies.
  // False: not a time, or an impossible one (July 32).
  bool parse(std::string_view text, base::TimeMs& time, bool& zoned) const;

 private:
  enum class Kind : uint8_t { kIso, kUnix, kCicFlowMeter, kPattern };

  Kind kind_ = Kind::kIso;
  double unix_unit_ = 1;  // seconds
  std::string pattern_;
};

}  // namespace netflowgen::flow
