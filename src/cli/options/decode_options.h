// How packets are decoded, as options of every command that takes packets. docs/collector.md says what each does.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "flow/decode_options.h"
#include "flow/direction_options.h"

namespace netflowgen::cli {

struct DecodeArgs {
  std::string scope = "adaptive";
  std::string template_lifetime = "1d";
  std::string hold = "on";
  std::string hold_time = "30m";
  std::vector<std::string> time;              // POLICY or EXPORTER=POLICY
  std::vector<std::string> sampling;          // EXPORTER=N: whatever it says itself
  std::vector<std::string> sampling_default;  // N or EXPORTER=N: where it says nothing
  std::string max_future = "5m";
  std::string max_past;                // empty: as --lateness, which the command has
  std::vector<std::string> direction;  // DIRECTION or EXPORTER=DIRECTION
  std::string tunnels = "outer";
  std::string biflows = "two";
  std::string discards = "on";
  std::string sflow_exporter = "agent";
};

void add_decode_options(Command& command, DecodeArgs& args);

// UsageError where a value makes no sense.
flow::DecodeOptions decode_options(const DecodeArgs& args);
flow::DirectionOptions direction_options(const DecodeArgs& args);

// "60s", "5m"; UsageError names the option.
int64_t duration_ms(const std::string& text, const char* option);
// "32M", "512k", "1G" or bytes.
size_t size_bytes(const std::string& text, const char* option);

}  // namespace netflowgen::cli
