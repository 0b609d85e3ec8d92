// How a command plugs into main: one file a command, each with one function that adds itself to the parser.
//
// A command's callback runs after parsing; it throws base::Error (exit 1) or base::UsageError (exit 2).
#pragma once

#include <memory>

#include "base/stop.h"
#include "cli/command_line.h"

namespace netflowgen::cli {

// What main gives every command.
struct Context {
  base::StopFlag stop;       // set by Ctrl-C and SIGTERM
  base::RequestFlag reload;  // set by SIGHUP, in a command that has called reload_on_hangup
  void (*reload_on_hangup)() = nullptr;
  bool quiet = false;
};

// Groups of options in a command's help. --help shows the first ones, --help-all also kPacketGroup and kAdvancedGroup.
inline constexpr const char* kInputGroup = "Input";
inline constexpr const char* kNodeGroup = "Nodes and steps";
inline constexpr const char* kModelGroup = "Model";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kPacketGroup = "Packets (docs/collector.md)";
inline constexpr const char* kAdvancedGroup = "Advanced";

using AddCommand = void (*)(Command& app, Context& context);

// Progress as a bar line on a terminal, a plain line every ten seconds in a log, nothing with --quiet.
base::ProgressFn progress_printer(const Context& context, const char* label);

}  // namespace netflowgen::cli
