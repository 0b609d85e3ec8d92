// main wires: signal, parser, commands, and the one place where errors are caught.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/words.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/learn_library.h"
#include "cli/version.h"

namespace {

namespace base = netflowgen::base;
namespace cli = netflowgen::cli;

cli::Context context;

void on_signal(int) {
  if (context.stop.requested()) std::_Exit(1);  // a second Ctrl-C does not wait
  context.stop.request();
}

void on_hangup(int) { context.reload.request(); }

// A closed terminal and `systemctl reload` then read files again instead of ending the command.
void reload_on_hangup() {
  struct sigaction action {};
  action.sa_handler = on_hangup;
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

void install_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup ignores it
  std::signal(SIGPIPE, SIG_IGN);
  context.reload_on_hangup = reload_on_hangup;
}

#ifdef NETFLOWGEN_LEARN
// Whether the words call a command of the learning library, or ask for the help of all.
bool needs_learn_library(const std::vector<std::string>& words) {
  for (auto word = words.begin(); word != words.end(); ++word) {
    if (*word == "--help-all") return true;
    if (*word == "--config" && word + 1 != words.end()) {
      ++word;
    } else if (!word->empty() && word->front() != '-') {
      return std::ranges::any_of(cli::kLearnCommands,
                                 [&](const auto& command) { return *word == command.name; });
    }
  }
  return false;
}
#endif

void add_commands(cli::Command& root, const std::vector<std::string>& words) {
#ifdef NETFLOWGEN_LEARN
  if (needs_learn_library(words)) {
    for (const auto add : cli::learn_library().commands) add(root, context);
  } else {  // their names for --help
    for (const auto& command : cli::kLearnCommands) root.add_subcommand(command.name, command.help);
  }
#else
  (void)words;
#endif
  for (const auto add : cli::kCommands) add(root, context);
}

// What a message quotes may be a file that is no text.
int failed(const char* message, int code) {
  constexpr size_t kMost = 4000;
  const std::string text = base::printable(message, "\n\t");
  fmt::print(stderr, "netflowgen: {}{}\n", text.substr(0, kMost), text.size() > kMost ? " ..." : "");
  return code;
}

void run(const std::vector<std::string>& words) {
  cli::CommandLine line("NetFlowGen: a foundation model for network traffic", cli::version_text());
  line.root().add_flag("-q,--quiet", context.quiet, "No progress");
  std::string config;  // taken out of the arguments before they are parsed; here for --help
  line.root().add_option("--config", config, "YAML file of long option names; the command line wins");
  add_commands(line.root(), words);
  const auto arguments = cli::expand_config(line.root(), words);
  if (cli::asks_init(arguments)) {
    fmt::print("{}", cli::init_config(*arguments.command));
    return;
  }
  try {
    line.run(arguments.words);
  } catch (const base::UsageError& e) {
    throw base::UsageError("{}", cli::with_place(arguments, e.what()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  install_signals();
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const base::UsageError& e) {
    return failed(e.what(), 2);
  } catch (const std::exception& e) {
    return failed(e.what(), 1);
  }
}
