#include "study/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "series/builder.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "sim/scenario.h"
#include "sim/simulator.h"

namespace netflowgen::study {

SimulatedStore simulate_store(const sim::Scenario& scenario, int64_t step_ms, const SimulationFiles& files,
                              const base::StopFlag& stop, const base::ProgressFn& progress) {
  sim::Simulator simulator(scenario, {files.threads});
  series::SeriesOptions options;
  options.step_ms = step_ms;
  // Records are exported in order, and start as long before as the time-outs let them.
  options.lateness_ms = std::max(options.lateness_ms, scenario.network.active_timeout.ms +
                                                          scenario.network.inactive_timeout.ms + 60'000);
  options.nodes.all_hosts = false;
  options.nodes.hosts = {scenario.network.prefix};
  if (scenario.network.ipv6_share > 0) options.nodes.hosts.push_back(scenario.network.prefix6);
  series::StoreWriter writer(
      files.store,
      {.step_ms = step_ms, .timezone = scenario.timezone, .choice = series::choice_of(options.nodes)});
  series::StoreSink sink(writer);
  series::SeriesBuilder builder(options, sink);
  std::vector<flow::Flow> flows(4096);
  uint64_t count = 0;
  while (const size_t n = simulator.read(flows)) {
    if (stop.requested())
      throw base::Stopped("stopped while simulating; {} is incomplete", files.store.string());
    builder.add({flows.data(), n});
    count += n;
    if (progress)
      progress({"minutes", static_cast<uint64_t>(simulator.minutes_done()),
                static_cast<uint64_t>(simulator.minutes_total()), fmt::format("{} flows", count)});
  }
  builder.finish();
  writer.cover(builder.first_step(), builder.end_step());
  auto ledgers = simulator.ledgers();
  ledgers.push_back(builder.flow_ledger());
  ledgers.push_back(builder.frame_ledger());
  writer.set_counts(series::to_counts(ledgers));
  writer.flush();
  base::write_file(files.labels, simulator.labels_csv());
  if (!files.roles.empty()) base::write_file(files.roles, simulator.roles_csv());
  return {count, writer.info().rows(), simulator.network().hosts().size(), simulator.attacks().size(),
          simulator.benign_events().size()};
}

eval::DdosOptions demo_periods(const series::FrameTable& table) {
  constexpr base::TimeMs kHour = 3'600'000;
  const base::TimeMs from = table.first_step * table.step_ms;
  const base::TimeMs to = table.end_step * table.step_ms;
  eval::DdosOptions p;
  p.train = {from, (from + (to - from) * 6 / 10) / kHour * kHour};
  p.validation = {(p.train.to_ms - (p.train.to_ms - from) / 4) / kHour * kHour, p.train.to_ms};
  p.test = {p.train.to_ms, to};
  return p;
}

learn::PretrainOptions demo_pretraining(const model::ModelSpec& spec, int64_t steps,
                                        const series::FrameTable& table, const eval::DdosOptions& p) {
  learn::PretrainOptions options;
  options.spec = spec;
  options.steps = steps;
  options.batch = 16;
  options.length = 128;
  options.warmup = 40;
  options.evaluate_every = 50;
  options.learning_rate = 3e-3;
  options.train = {p.train.from_ms / table.step_ms, p.validation.from_ms / table.step_ms};
  options.validation = {p.validation.from_ms / table.step_ms, p.validation.to_ms / table.step_ms};
  return options;
}

}  // namespace netflowgen::study
