// Which nodes, which steps: the options of every command that turns flows into series.
#pragma once

#include <string>

#include "cli/command.h"
#include "flow/filter/anonymize.h"
#include "series/builder.h"

namespace netflowgen::cli {

struct SeriesArgs {
  std::string nodes;
  std::string prefixes;
  bool interfaces = false;
  bool as = false;
  std::string step = "60s";
  std::string lateness = "2m";
  std::string max_duration = "1d";
  std::string timezone = "UTC";

  bool names_nodes() const { return !nodes.empty() || !prefixes.empty() || interfaces || as; }
};

void add_series_options(CLI::App& command, SeriesArgs& args);

// With a hash seed of its own and time bounded by tomorrow. Prefixes are given as the network knows them and are
// anonymised as its flows are. UsageError where a value makes no sense.
series::SeriesOptions series_options(const SeriesArgs& args, const flow::AnonymizeOptions& anonymize = {});

}  // namespace netflowgen::cli
