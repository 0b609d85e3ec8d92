// How flows are metered from the packets of a capture, as options. docs/collector.md says what each does.
#pragma once

#include <string>

#include "cli/command.h"
#include "flow/meter_options.h"

namespace netflowgen::cli {

struct MeterArgs {
  std::string mode = "auto";
  std::string active = "300s";
  std::string inactive = "60s";
  size_t max_flows = flow::MeterOptions{}.max_flows;
};

void add_meter_options(Command& command, MeterArgs& args);

// UsageError where a value makes no sense.
flow::MeterOptions meter_options(const MeterArgs& args);

}  // namespace netflowgen::cli
