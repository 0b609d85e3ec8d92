// The options that every command with a flow input has, and what is said about the input at the end.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/options/decode_options.h"
#include "cli/options/meter_options.h"
#include "flow/input_options.h"
#include "flow/source.h"

namespace netflowgen::cli {

inline constexpr const char* kFlowInputs =
    "Files, folders (all files below, in time order) or - for standard input, also compressed: pcap, pcapng, "
    "nfcapd, flow CSV or JSON, goflow2's protobuf; a topic, kafka://BROKERS/TOPIC; a table, "
    "clickhouse://HOST/DATABASE";

struct InputArgs {
  flow::InputOptions options;
  DecodeArgs decode;
  MeterArgs meter;
  std::string anonymize;
  std::string utc_offset;
  std::string exporter;
  int64_t max_clock_behind_ms = 0;  // DecodeOptions', where --max-past is not given
};

// INPUT..., --dialect, --map, --strict, --utc-offset, --anonymize, and those of packets. `what` describes INPUT.
void add_input_options(Command& command, InputArgs& args, const char* what = kFlowInputs);

// What they say. UsageError.
flow::InputOptions input_options(const InputArgs& args);

// Opens what the options name, anonymised where that was asked for. Error, UsageError.
std::unique_ptr<flow::FlowSource> open_input(const InputArgs& args);

// Fixes what may grow while it is read: a command that reads its input twice calls it first. Error.
void pin_inputs(InputArgs& args);

// Saves the decoder's templates and rates to --templates, where it was given and the input has packets.
void save_state(const InputArgs& args, const flow::FlowSource& source);

// The source's notes, then one line a file and reason: "FILE: what was wrong (3 times, first on line 7)". Empty when all was well.
std::string problems_text(const flow::FlowSource& source);

}  // namespace netflowgen::cli
