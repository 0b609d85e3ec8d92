#include "flow/live/onward_clock.h"

#include <algorithm>

namespace netflowgen::flow {

TimeMs OnwardClock::at(TimeMs machine) {
  if (last_ == 0) last_ = machine;
  const int64_t passed = machine - last_;
  if (is_back(machine)) {
    ahead_ms_ -= passed;
    last_ = machine;
  } else if (passed > 0) {
    last_ = machine;
    if (ahead_ms_ == 0) return machine;
    // What passes at once is a clock that was put forward again, or a pause in which nothing came.
    rest_ms_ = passed > kNoise_ms ? 0 : rest_ms_ + passed;
    const int64_t less = passed > kNoise_ms ? passed : rest_ms_ / kSlower;
    rest_ms_ %= kSlower;
    ahead_ms_ = std::max<int64_t>(0, ahead_ms_ - less);
  }
  return machine + ahead_ms_;
}

}  // namespace netflowgen::flow
