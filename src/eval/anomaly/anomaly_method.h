// Task "anomaly" as a method of the attack evaluation, by the streaming engine: no label is used.
#pragma once

#include <memory>
#include <string>

#include "base/stop.h"
#include "eval/attacks/attack_method.h"

namespace netflowgen::eval {

// What becomes usual for a node: only what came before the end of the training period, or everything, as in a live stream.
enum class AnomalyLearning : uint8_t { kTraining, kAlways };

// "netflowgen" or "netflowgen, learning on": detect::AnomalyScorer on every active row. Error: as a table is scored, the folder is no
// model or not for its steps.
std::unique_ptr<AttackMethod> anomaly_method(const std::string& folder, AnomalyLearning learning, int threads,
                                             const base::StopFlag& stop, base::ProgressFn progress);

}  // namespace netflowgen::eval
