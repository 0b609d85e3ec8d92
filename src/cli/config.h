// Arguments before they are parsed: --config FILE, a YAML map of long option names, becomes options; misspelt commands,
// options and keys are refused with the nearest known one. What the command line gives wins over the file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/command_line.h"

namespace netflowgen::cli {

struct Arguments {
  const CLI::App* command = nullptr;  // the one that the words name; the program itself where there is none
  std::vector<std::string> words;     // without --config, and with the file's options behind
  std::map<std::string, std::string> from_file;  // "--nodes" -> "c.yaml, line 3"
};

// UsageError: an unknown command or option, named with the nearest known one; a file that cannot be read or is no map; a key
// that is no option of the command, a list for an option of one value, each with file and line.
Arguments expand_config(const Command& root, const std::vector<std::string>& arguments);

// The message, with file and line where it names an option that is from the file.
std::string with_place(const Arguments& arguments, const std::string& message);

// Marks an option of one value that is a list with commas ("10.0.0.0/8,2001:db8::/32"): a YAML list is joined for it.
Option* takes_comma_list(Option* option);

// Gives the command --init; main prints init_config() and stops where it is given.
void add_init_option(Command& command);
bool asks_init(const Arguments& arguments);
// Every option of the command with its default and its help, as YAML that --config takes. Those without a default are
// comments.
std::string init_config(const CLI::App& command);

// The options of a command with the values in force, as YAML that --config takes. Those without a value are comments.
std::string dump_config(const Command& command);

}  // namespace netflowgen::cli
