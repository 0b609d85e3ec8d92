// --config FILE for every command: a YAML map of long option names. What the command line says wins.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace netflowgen::cli {

// The arguments with `--config FILE` replaced by the file's options, those left out that are given on the command line.
// Error: the file cannot be read or is not a flat map; an unknown key is refused by the parser like a mistyped option.
std::vector<std::string> expand_config(const std::vector<std::string>& arguments);

// The options of a command with the values in force, as YAML that --config takes. Those without a value are comments.
std::string dump_config(const CLI::App& command);

}  // namespace netflowgen::cli
