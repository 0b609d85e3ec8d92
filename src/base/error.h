// The second kind of error, "bad world": a config error, a missing file, a model of another schema.
// Thrown with a sentence that says what, where, and what to do; caught once, in main.
// Bad data is not an Error: it is counted in a ledger (ledger.h). Bugs abort (check.h).
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace netflowgen::base {

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what) : std::runtime_error(what) {}
  template <typename... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

// Wrong usage of a command: main exits with 2 instead of 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

// The user asked to stop (Ctrl-C) and what was done so far is saved. main exits with 1.
class Stopped : public Error {
 public:
  using Error::Error;
};

}  // namespace netflowgen::base
