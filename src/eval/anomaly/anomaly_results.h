// Figures of task "anomaly" as text. Definitions: docs/evaluation.md, Anomalies.
#pragma once

#include <string>

#include "eval/attacks/ddos_eval.h"

namespace netflowgen::eval {

// A line a method: AUPRC by row and event-weighted, over all rows and as the mean over nodes that have an event; AUROC; alerts.
std::string anomaly_table(const DdosResult& result);
// The same as JSON, with the protocol and each node's figures.
std::string anomaly_json(const DdosResult& result);

}  // namespace netflowgen::eval
