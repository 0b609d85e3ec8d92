// netflowgen serve --demo: the service on a simulated network, with nothing set up and nothing left behind.
#pragma once

#include <string>

#include "cli/command.h"

namespace netflowgen::cli {

// `http`: address of the page; "": 127.0.0.1:8080, or a free port where that is taken. Runs until it is stopped. Error.
void serve_demo(const std::string& http, Context& context);

}  // namespace netflowgen::cli
