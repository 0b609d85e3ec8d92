// Sends a made-up alert through every output, so that an operator sees whether they work before the first real one.
#pragma once

#include <string>
#include <vector>

#include "serve/output_options.h"

namespace netflowgen::serve {

struct OutputResult {
  std::string name;
  std::string problem;  // "": it was taken
};

// `ended`: that the alert has ended, else that it was raised. Its node is 192.0.2.1 (RFC 5737). Announcements are made where
// the output is enabled; what was announced by "raised" is withdrawn by "ended".
std::vector<OutputResult> check_outputs(const std::vector<OutputOptions>& outputs, bool ended);

}  // namespace netflowgen::serve
