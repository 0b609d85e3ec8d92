// The report as other commands make it.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "report/report.h"

namespace netflowgen::cli {

// As `netflowgen report PATHS` does, with the model that comes with the program.
report::ReportData report_of_files(const std::vector<std::string>& paths, const Context& context);

}  // namespace netflowgen::cli
