// netflowgen demo: the main job in a minute. A simulated network's flows -> one page, made by the model that comes with the
// program and without a label; then the page beside the truth. The whole training loop: netflowgen demo-train.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "model/shipped_model.h"
#include "sim/scenario.h"
#include "sim/simulator.h"

namespace netflowgen::cli {
namespace {

struct DemoOptions {
  std::string out = "demo-out";
  std::string scenario = "demo";
};

std::vector<report::KnownAttack> known_attacks(const sim::Simulator& simulator) {
  std::vector<report::KnownAttack> all;
  for (const auto& a : simulator.attacks()) {
    report::KnownAttack k{
        a.node, {}, a.label, static_cast<base::TimeMs>(a.start_ms), static_cast<base::TimeMs>(a.end_ms)};
    for (const size_t v : a.victims) k.nodes.push_back(simulator.network().hosts()[v].address.to_string());
    all.push_back(std::move(k));
  }
  return all;
}

void print_truth(const report::Truth& t) {
  const size_t weak = t.false_alerts[0];
  const size_t others = t.false_alerts[1] + t.false_alerts[2] + t.false_alerts[3];
  fmt::print(
      "beside the truth: {} of {} attacks noticed, half of them within {:.0f} s; on ordinary traffic {} "
      "alerts of low severity and "
      "{} others, {:.2g} per node and day\n",
      t.found, t.rows.size(), static_cast<double>(t.median_delay_ms) / 1000, weak, others,
      static_cast<double>(weak + others) / std::max(t.node_days, 1e-9));
}

void run_demo(const DemoOptions& o, const Context& context) {
  const base::fs::path out(o.out);
  sim::Simulator simulator(sim::load_scenario(o.scenario));
  const auto summary =
      sim::write_simulation(simulator, o.out, true, progress_printer(context, "simulate"), context.stop);
  fmt::print("{} flows of {} hosts, {} attacks, {} benign events that look like attacks\n", summary.flows,
             simulator.network().hosts().size(), simulator.attacks().size(),
             simulator.benign_events().size());
  auto data = report_of_files({(out / "flows.csv.zst").string()}, context);
  const double days = static_cast<double>((data.end_step - data.first_step) * data.step_ms) / 86'400'000;
  data.truth = report::compare(known_attacks(simulator), data.alerts, data.step_ms,
                               static_cast<double>(data.watched.watched) * days);
  data.evidence = model::load_evidence(model::shipped_model());
  const auto page = out / "report.html";
  base::write_file(page, report::report_page(data));
  print_truth(*data.truth);
  fmt::print("the page: {}\n", base::fs::absolute(page).string());
}

}  // namespace

void add_demo(Command& app, Context& context) {
  auto o = std::make_shared<DemoOptions>();
  auto* c = app.add_subcommand(
      "demo", "A simulated network, its report by the model that comes with the program, and the truth");
  c->add_option("-o,--out", o->out, "Folder to write")->capture_default_str();
  c->add_option("--scenario", o->scenario, "Built-in scenario or file")->capture_default_str();
  c->footer("Example: netflowgen demo -o demo-out");
  c->callback([o, &context] { run_demo(*o, context); });
}

}  // namespace netflowgen::cli
