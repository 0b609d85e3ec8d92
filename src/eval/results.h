// Results as text: JSON for programs, a table for the terminal. The page is report.h's.
#pragma once

#include <string>

#include "eval/attacks/ddos_eval.h"
#include "eval/forecast/forecast_eval.h"

namespace netflowgen::eval {

// Every run and summary, with the protocol's options; NaN and infinity are null. docs/evaluation.md has the fields.
std::string ddos_json(const DdosResult& result);
// One line a (split, budget, method): event-weighted AUPRC of each slice with deviation, then alarms.
std::string ddos_table(const DdosResult& result);

// The same for forecasts; the JSON has every series under every method.
std::string forecast_json(const ForecastResult& result);
std::string forecast_table(const ForecastResult& result);

}  // namespace netflowgen::eval
