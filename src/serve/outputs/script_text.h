// What a script of FastNetMon's kind is called with.
#pragma once

#include <string>
#include <vector>

#include "detect/alert.h"

namespace netflowgen::serve {

struct ScriptCall {
  std::vector<std::string>
      arguments;  // IP, direction, packets a second, action; empty: the event is none for a script
  std::string input;
};

ScriptCall script_call(const detect::Alert& alert, int64_t step_ms);

}  // namespace netflowgen::serve
