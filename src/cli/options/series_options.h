// Which nodes, which steps: the options of every command that turns flows into series.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/options/input_options.h"
#include "flow/filter/anonymize.h"
#include "series/builder.h"
#include "serve/pipeline.h"

namespace netflowgen::cli {

struct SeriesArgs {
  std::string nodes;
  std::string prefixes;
  bool interfaces = false;
  bool as = false;
  std::string step = "60s";
  std::string lateness =
      "auto";  // as much as the input needs; a command that reads no files sets another default
  std::string max_duration = "1d";
  std::string timezone = "UTC";
  std::string dedup = "0";
  std::vector<std::string> count_at;

  bool names_nodes() const { return !nodes.empty() || !prefixes.empty() || interfaces || as; }
};

// Whose choice the length of a step and the time zone are: the user's, or the model's.
enum class Steps : uint8_t { kOption, kOfModel };

// The lateness where "auto" cannot be measured.
inline constexpr const char* kUsualLateness = "2m";

void add_series_options(Command& command, SeriesArgs& args, Steps steps = Steps::kOption);

// Opens what `input` names: anonymised, then without what several exporters report twice. Error, UsageError.
std::unique_ptr<flow::FlowSource> open_input(const InputArgs& input, const SeriesArgs& series);

// The input may be read twice, for its order (serve/finite_input.h): files, and --lateness auto.
bool reads_for_order(const InputArgs& input, const SeriesArgs& series);
// What to say of late flows, a line for standard error; empty: nothing.
std::string late_warning(const InputArgs& input, const SeriesArgs& series,
                         const serve::InputOutcome& outcome);

// With a hash seed of its own and time bounded by tomorrow. Prefixes are given as the network knows them and are
// anonymised as its flows are. UsageError where a value makes no sense.
series::SeriesOptions series_options(const SeriesArgs& args, const flow::AnonymizeOptions& anonymize = {});

}  // namespace netflowgen::cli
