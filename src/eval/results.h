// Results as text: JSON for programs, a table for the terminal. The page is report.h's.
#pragma once

#include <string>

#include "eval/ddos_eval.h"

namespace netflowgen::eval {

// Every run and summary, with the protocol's options; NaN and infinity are null. docs/evaluation.md has the fields.
std::string ddos_json(const DdosResult& result);
// One line a (split, budget, method): event-weighted AUPRC of each slice with deviation, then alarms.
std::string ddos_table(const DdosResult& result);

}  // namespace netflowgen::eval
