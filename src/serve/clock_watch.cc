#include "serve/clock_watch.h"

#include <fmt/format.h>

namespace netflowgen::serve {
namespace {

constexpr base::TimeMs kNamed = 2000;

}  // namespace

std::optional<std::string> ClockWatch::look(base::TimeMs now_ms, std::chrono::steady_clock::time_point steady,
                                            base::TimeMs newest_ms) {
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
  std::string text = fmt::format("warning: the clock of this machine was put back by {:.0f} s", -seconds);
  if (newest_ms > now_ms)
    text += fmt::format("; until {} flows are dropped as late, and counted", base::format_time(newest_ms));
  return text;
}

}  // namespace netflowgen::serve
