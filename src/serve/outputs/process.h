// Runs a program without a shell, with a bound on its time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace netflowgen::serve {

struct ProcessResult {
  int exit_code = 0;       // 128 + signal where one ended it
  bool timed_out = false;  // it was killed
  std::string output;      // standard output and error, the first 4 KiB
};

// `input` is its standard input. Error: it cannot be started.
ProcessResult run_process(const std::vector<std::string>& words, const std::string& input,
                          int64_t timeout_ms);

// A command line in words: blanks separate, single quotes keep them together. No variables, no escapes.
std::vector<std::string> words_of(const std::string& command);

}  // namespace netflowgen::serve
