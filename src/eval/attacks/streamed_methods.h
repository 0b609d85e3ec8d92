// A model's own heads as methods of the attack evaluation, by the streaming engine: nothing is learnt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/attacks/attack_method.h"

namespace netflowgen::eval {

// "netflowgen head NAME" of each head with one logit, and "netflowgen zero-label" of the injection head; they share one walk
// of a table. Rows count where flows_in is above 0 (where the table has it); others have no score.
// Error: the folder is no model; when a table is scored, the model is not for its steps.
std::vector<std::unique_ptr<AttackMethod>> streamed_methods(const std::string& folder, int threads,
                                                            const base::StopFlag& stop,
                                                            base::ProgressFn progress);

}  // namespace netflowgen::eval
