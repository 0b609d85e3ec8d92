// The list of commands, in the order of `netflowgen --help`. Each is defined in the file of its name.
#pragma once

#include "cli/command.h"

namespace netflowgen::cli {

void add_evaluate(CLI::App& app, Context& context);
void add_features(CLI::App& app, Context& context);

inline constexpr AddCommand kCommands[] = {
    add_evaluate,
    add_features,
};

}  // namespace netflowgen::cli
