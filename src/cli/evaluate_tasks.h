// netflowgen evaluate role, congestion, attack-type and anomaly.
#pragma once

#include "cli/command.h"

namespace netflowgen::cli {

void add_evaluate_role(Command& evaluate, Context& context);
void add_evaluate_anomaly(Command& evaluate, Context& context);  // in every build
void add_evaluate_congestion(Command& evaluate, Context& context);
void add_evaluate_attack_type(Command& evaluate, Context& context);

}  // namespace netflowgen::cli
