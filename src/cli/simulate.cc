// netflowgen simulate: a scenario to flows, labels, roles and benign events.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "sim/draw.h"
#include "sim/simulator.h"

namespace netflowgen::cli {
namespace {

struct SimulateOptions {
  std::string scenario;
  std::string out;
  std::optional<int64_t> seed;
  std::optional<int64_t> draw;
  unsigned threads = 0;
  bool plain = false;
  bool check = false;
  bool dump = false;
  bool keys = false;
};

sim::Scenario scenario_of(const SimulateOptions& o) {
  if (o.draw && (!o.scenario.empty() || o.seed))
    throw base::UsageError("--draw SEED draws a scenario of its own; leave out the scenario and --seed");
  sim::Scenario scenario =
      o.draw ? sim::draw_scenario(static_cast<uint64_t>(*o.draw)) : sim::load_scenario(o.scenario);
  if (o.seed) scenario.seed = *o.seed;
  return scenario;
}

void simulate(const SimulateOptions& o, const Context& context) {
  if (o.keys) return fmt::print("{}", sim::scenario_keys());
  if (o.scenario.empty() && !o.draw)
    throw base::UsageError("simulate needs a scenario: a file, or {}", sim::builtin_scenario_names());
  const sim::Scenario scenario = scenario_of(o);
  if (o.dump) return fmt::print("{}", sim::dump_scenario(scenario));
  sim::Simulator simulator(scenario, {o.threads});
  if (o.check) {
    return fmt::print("{}: {} hosts, {} attacks, {} benign events, {} minutes\n",
                      o.draw ? scenario.name : o.scenario, simulator.network().hosts().size(),
                      simulator.attacks().size(), simulator.benign_events().size(),
                      simulator.minutes_total());
  }
  if (o.out.empty()) throw base::UsageError("simulate needs -o FOLDER for its files");
  const auto start = std::chrono::steady_clock::now();
  const auto summary =
      sim::write_simulation(simulator, o.out, !o.plain, progress_printer(context, "simulate"), context.stop);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {} flows of {} hosts, {} attacks, {} benign events; {:.1f} s, {:.3g} flows/s\n", o.out,
             summary.flows, simulator.network().hosts().size(), simulator.attacks().size(),
             simulator.benign_events().size(), seconds, static_cast<double>(summary.flows) / seconds);
  fmt::print("before sampling: {:.3g} packets, {:.3g} bytes\n", static_cast<double>(summary.packets),
             static_cast<double>(summary.bytes));
}

}  // namespace

void add_simulate(Command& app, Context& context) {
  auto options = std::make_shared<SimulateOptions>();
  auto* command = app.add_subcommand("simulate", "Generate flows with labelled attacks from a scenario");
  command->add_option("scenario", options->scenario,
                      "YAML file (docs/simulation.md), or a built-in one: " + sim::builtin_scenario_names());
  command->add_option("-o,--out", options->out,
                      "Folder for flows, labels, roles, benign events and scenario");
  command->add_option("--seed", options->seed, "Instead of the scenario's");
  command->add_option("--draw", options->draw, "Draw a scenario at random by this seed");
  command->add_option("--threads", options->threads, "0: one a core; the flows do not depend on it");
  command->add_flag("--plain", options->plain, "flows.csv instead of flows.csv.zst");
  command->add_flag("--check", options->check, "Print the plan and stop");
  command->add_flag("--dump-config", options->dump, "Print the scenario with every default and stop");
  command->add_flag("--keys", options->keys, "Print the table of keys, as in docs/simulation.md");
  command->footer("Example: netflowgen simulate demo -o simulated");
  command->callback([options, &context] { simulate(*options, context); });
}

}  // namespace netflowgen::cli
