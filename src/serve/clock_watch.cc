#include "serve/clock_watch.h"

#include <fmt/format.h>

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kNamed = 2000;

}  // namespace

std::optional<std::string> ClockWatch::look(base::TimeMs now_ms,
                                            std::chrono::steady_clock::time_point steady) {
  using std::chrono::milliseconds;
  const auto before = now_ms_;
  const base::TimeMs passed = before ? std::chrono::duration_cast<milliseconds>(steady - steady_).count() : 0;
  now_ms_ = now_ms;
  steady_ = steady;
  const base::TimeMs moved = before ? now_ms - *before - passed : 0;
  if (moved > -kNamed && moved < kNamed) return std::nullopt;
  const double seconds = static_cast<double>(moved) / 1000;
  if (moved > 0) {
    return fmt::format(
        "warning: the clock of this machine was put forward by {:.0f} s; if that is wrong, set it right "
        "soon: "
        "steps that are closed meanwhile cannot be filled later",
        seconds);
  }
  return fmt::format(
      "warning: the clock of this machine was put back by {:.0f} s; times of steps and alerts go on, so that "
      "no flow is late",
      -seconds);
}

}  // namespace netflowgen::serve
