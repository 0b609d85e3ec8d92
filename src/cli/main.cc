// main wires: signal, parser, commands, and the one place where errors are caught.
#include <csignal>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>

#include "base/error.h"
#include "base/math_libraries.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/version.h"

namespace {

netflowgen::cli::Context context;

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
  using namespace netflowgen;
  const auto arguments = cli::expand_config(app, {argv + 1, argv + argc});
  if (cli::asks_init(arguments)) {
    fmt::print("{}", cli::init_config(*arguments.command));
    return 0;
  }
  try {
    app.parse(std::vector<std::string>(arguments.words.rbegin(), arguments.words.rend()));  // CLI11 pops them
    return 0;
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    throw base::UsageError("{}\nRun with --help for more information.", cli::with_place(arguments, e.what()));
  } catch (const base::UsageError& e) {
    throw base::UsageError("{}", cli::with_place(arguments, e.what()));
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
