// Tells when the clock of the machine was set: the time of day has then moved by more than the time that passed. A collector's
// own time does not go back (flow/live/onward_clock.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/time.h"

namespace netflowgen::serve {

class ClockWatch {
 public:
  // What was done to the clock since the last call; nothing where it runs as it should. Slow corrections and moves of less than two
  // seconds are not named.
  std::optional<std::string> look(base::TimeMs now_ms, std::chrono::steady_clock::time_point steady);

 private:
  std::optional<base::TimeMs> now_ms_;
  std::chrono::steady_clock::time_point steady_;
};

}  // namespace netflowgen::serve
