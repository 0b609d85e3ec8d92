// The report's sections as HTML; internal to report*.cc.
#pragma once

#include <string>
#include <vector>

#include "eval/report/html_table.h"
#include "eval/report/report.h"
#include "eval/report/style.h"

namespace netflowgen::eval {

extern const char* const kReportScript;  // a few lines: open all, follow the theme switch

std::string training_section(const std::vector<TrainingLog>& logs);
std::string forecast_section(const ForecastResult& result);
std::string fan_section(const std::vector<NodeFan>& fans);
std::string ddos_section(const DdosResult& result, size_t timelines);
// A picture for each incident of the test period.
std::string timeline_section(const DdosResult& result, size_t limit);

// "0.912 ± 0.010"; an en dash where there is none.
std::string mean_text(const MeanDeviation& m, int digits);

// The first seed's run of each method under a budget, best AUPRC first, at most `most`.
std::vector<const DdosRun*> best_first(const DdosResult& result, const std::string& budget, size_t most);
std::vector<std::string> budgets_of(const DdosResult& result, const std::string& split);
int style_of(const DdosResult& result, const std::string& method);

// Methods in the order of their first appearance, whose index is their colour on the whole page.
std::vector<std::string> methods_of(const DdosResult& result);

}  // namespace netflowgen::eval
