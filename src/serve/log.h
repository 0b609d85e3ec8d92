// Lines of a service's log: the time in UTC, then one sentence, on standard error.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "base/time.h"

namespace netflowgen::serve {

inline base::TimeMs now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

template <typename... Args>
void log(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(stderr, "{} {}\n", base::format_time(now_ms() / 1000 * 1000),
             fmt::format(format, std::forward<Args>(args)...));
  std::fflush(stderr);
}

}  // namespace netflowgen::serve
