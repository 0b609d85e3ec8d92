// The hour of the day and the day of the week as a factor on a rate.
//
// Invariant: the factor's mean over a week is 1, so that levels are weekly means.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace netflowgen::sim {

class Cycle {
 public:
  // Hourly values for working days and for weekends (hour's middle), any positive scale.
  Cycle(const std::array<double, 24>& workday, const std::array<double, 24>& weekend);

  // Interpolated between hours; `local_ms` is UTC plus the time zone's offset plus the host's own shift.
  double at(base::TimeMs local_ms) const;

  // "office", "home", "server", "flat", "night"; nullptr when there is none of that name.
  static const Cycle* named(std::string_view name);
  static std::string names();  // comma-separated

 private:
  double hour(int64_t absolute_hour) const;

  std::array<double, 24> workday_;
  std::array<double, 24> weekend_;
};

// "UTC", "Z", "+01:00", "-0330", "+2"; milliseconds, nullopt when it is not a fixed offset.
std::optional<int64_t> parse_utc_offset(std::string_view text);

}  // namespace netflowgen::sim
