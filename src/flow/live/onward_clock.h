// A collector's own time: the clock of the machine, but never back. Flows are placed by time, and a step that was closed is never
// opened again. So after the machine's clock was put back the collector's own goes on from where it was, ahead of the machine's, and a
// twelfth slower (as chronyd does at most) until both agree. What comes meanwhile is moved by the difference, and nothing is late.
//
// It reads no clock: time is what it is given. One thread. Invariants: 1. at() falls by kNoise at most. 2. Where the given time runs
// on, ahead_ms() falls. 3. A time that was never put back is handed on as it is.
#pragma once

#include "base/time.h"

namespace netflowgen::flow {

using base::TimeMs;

class OnwardClock {
 public:
  // Times of several threads are out of order by less than this; a smaller step of the machine's clock delays nothing.
  static constexpr int64_t kNoise_ms = 2000;
  static constexpr int64_t kSlower = 12;  // a minute lasts 65 s while the clock is ahead

  // `ahead_ms`: of the machine's clock from the start, where steps were closed that lie in its future.
  explicit OnwardClock(int64_t ahead_ms = 0) : ahead_ms_(ahead_ms) {}

  // The collector's time when the clock of the machine says `machine`.
  TimeMs at(TimeMs machine);
  int64_t ahead_ms() const { return ahead_ms_; }
  // Whether the machine's clock would have to be put back to say this.
  bool is_back(TimeMs machine) const { return last_ != 0 && machine - last_ < -kNoise_ms; }

 private:
  TimeMs last_ = 0;  // the latest of the machine's since it was put back; 0: none yet
  int64_t ahead_ms_;
  int64_t rest_ms_ = 0;  // passed, and not yet a twelfth
};

}  // namespace netflowgen::flow
