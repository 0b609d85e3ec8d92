// The options of every command that raises alerts.
#pragma once

#include "cli/command.h"
#include "serve/detect_setup.h"

namespace netflowgen::cli {

// The folder that the user names, or that of the model that comes with the program. Error: there is none.
std::string model_or_shipped(const std::string& folder);

// --model, --policy, --dry-run, --threads, --precision, --cache, --max-nodes. Returns --model.
Option* add_detect_options(Command& command, serve::DetectOptions& options);

}  // namespace netflowgen::cli
