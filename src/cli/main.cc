// main wires: signal, parser, commands, and the one place where errors are caught.
#include <algorithm>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>

#include <fmt/format.h>

#include "base/error.h"
#include "base/math_libraries.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/version.h"
#include "detect/policy.h"

namespace {

netflowgen::cli::Context context;

void on_signal(int) {
  if (context.stop.requested()) std::_Exit(1);  // a second Ctrl-C does not wait
  context.stop.request();
}

void install_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

// CLI11 says of a misspelt command only that one is required.
void check_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  for (const auto& word : arguments) {
    if (word.empty() || word[0] == '-') continue;
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const CLI::App* c : at->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(c->get_name());
      if (c->get_name() == word) next = c;
    }
    if (known.empty()) return;  // what follows belongs to the command
    if (next == nullptr) {
      const std::string meant = netflowgen::detect::nearest(word, known);
      std::string names;
      for (const auto& name : known) names += (names.empty() ? "" : ", ") + name;
      throw netflowgen::base::UsageError("there is no command '{}'{}; known: {}", word,
                                         meant.empty() ? "" : " (did you mean " + meant + "?)", names);
    }
    at = next;
  }
}

int run(int argc, char** argv) {
  CLI::App app{"NetFlowGen: a foundation model for network traffic"};
  app.require_subcommand(1);
  app.formatter(netflowgen::cli::help_formatter());  // subcommands inherit it
  app.set_help_all_flag("--help-all", "Also the options that are seldom needed");
  app.set_version_flag("--version", netflowgen::cli::version_text);
  app.add_flag("-q,--quiet", context.quiet, "No progress");
  std::string config;  // taken out of the arguments before they are parsed; here for --help
  app.add_option("--config", config, "YAML file of long option names; the command line wins");
  app.fallthrough();
  for (const auto add : netflowgen::cli::kCommands) add(app, context);
  try {
    auto arguments = netflowgen::cli::expand_config({argv + 1, argv + argc});
    check_command(app, arguments);
    netflowgen::cli::refuse_old_spellings(arguments);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
    return 0;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
}

}  // namespace

int main(int argc, char** argv) {
#ifdef NETFLOWGEN_LEARN
  netflowgen::base::tune_math_libraries(argv);
#endif
  install_signals();
  try {
    return run(argc, argv);
  } catch (const netflowgen::base::UsageError& e) {
    fmt::print(stderr, "netflowgen: {}\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "netflowgen: {}\n", e.what());
    return 1;
  }
}
