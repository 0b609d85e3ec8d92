// netflowgen evaluate role and evaluate congestion.
#pragma once

#include "cli/command.h"

namespace netflowgen::cli {

void add_evaluate_role(Command& evaluate, Context& context);
void add_evaluate_congestion(Command& evaluate, Context& context);

}  // namespace netflowgen::cli
