// Time zones as values: what a clock on the wall shows at a time in UTC.
//
// C++20's own time zone database is absent from GCC 12's library, so this reads the compiled files of the system's
// tzdata itself (TZif, RFC 8536). Bounds: a file of at most 256 KiB and 4096 transitions; the rule in its footer, which
// holds for the years after the last transition, is expanded up to the end of kLastRuleYear, and what is in force then
// stays. Leap-second files ("right/...") are refused: flow times are POSIX times.
//
// Invariant: a zone is constant after construction and may be shared by threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "base/time.h"

namespace netflowgen::base {

inline constexpr int kLastRuleYear = 2199;
inline constexpr const char* kZoneFolder = "/usr/share/zoneinfo";

class TimeZone {
 public:
  TimeZone() = default;  // UTC

  // "UTC", "+hh:mm" (also "+hhmm"; at most 14 hours), or an IANA name such as "Europe/Berlin", whose file is read from
  // `folder`. Error: none of these, no such file, or a damaged one; it says which and what to do.
  static TimeZone load(std::string_view name, const std::string& folder = kZoneFolder);
  // A POSIX TZ rule, "CET-1CEST,M3.5.0,M10.5.0/3", from 1970 on. Error: it is none.
  static TimeZone from_rule(std::string_view name, std::string_view rule);
  // The bytes of a TZif file. Error names `name`.
  static TimeZone from_tzif(std::string_view name, Bytes bytes);

  const std::string& name() const { return name_; }
  bool is_fixed() const { return changes_.empty(); }
  // East of UTC at `time`.
  int64_t offset_ms(TimeMs time) const {
    return changes_.empty() ? first_offset_ms_ : changing_offset_ms(time);
  }
  TimeMs local(TimeMs time) const { return time + offset_ms(time); }

 private:
  struct Change {
    TimeMs at = 0;  // from here on
    int64_t offset_ms = 0;
  };
  int64_t changing_offset_ms(TimeMs time) const;
  bool read_block(Cursor& file, uint32_t changes, uint32_t types, int time_bytes);
  bool expand_rule(std::string_view rule);

  std::string name_ = "UTC";
  int64_t first_offset_ms_ = 0;  // before the first change
  std::vector<Change> changes_;  // ascending
};

}  // namespace netflowgen::base
