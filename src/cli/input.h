// The options that every command with a flow input has, and what is said about the input at the end.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "flow/flow.h"

namespace netflowgen::cli {

struct InputArgs {
  flow::InputOptions options;
  std::string anonymize;
  std::string utc_offset;
};

// INPUT..., --dialect, --map, --strict, --utc-offset, --anonymize.
void add_input_options(CLI::App& command, InputArgs& args);

// Opens what the options name, anonymised where that was asked for. Error, UsageError.
std::unique_ptr<flow::FlowSource> open_input(const InputArgs& args);

// One line a stage, with its drops by reason: "nfcapd records: in 10, out 9, held 0; bad_size 1".
std::string ledger_text(std::span<const base::LedgerView> ledgers);
// One line a file and reason: "FILE: what was wrong (3 times, first on line 7)". Empty when all was well.
std::string problems_text(const flow::FlowSource& source);

}  // namespace netflowgen::cli
