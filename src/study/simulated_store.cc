#include "study/simulated_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "series/builder.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "sim/simulator.h"

namespace netflowgen::study {

SimulatedStore simulate_store(const sim::Scenario& scenario, const SimulatedStoreOptions& o,
                              const base::StopFlag& stop, const base::ProgressFn& progress) {
  sim::Simulator simulator(scenario, {o.threads});
  series::SeriesOptions options;
  options.step_ms = o.step_ms;
  // Records are exported in order, and start as long before as the time-outs let them.
  options.lateness_ms = std::max(options.lateness_ms, scenario.network.active_timeout.ms +
                                                          scenario.network.inactive_timeout.ms + 60'000);
  options.nodes.all_hosts = false;
  options.nodes.hosts = {scenario.network.prefix};
  if (scenario.network.ipv6_share > 0) options.nodes.hosts.push_back(scenario.network.prefix6);
  series::StoreWriter writer(
      o.store,
      {.step_ms = o.step_ms, .timezone = scenario.timezone, .choice = series::choice_of(options.nodes)});
  series::StoreSink sink(writer);
  series::SeriesBuilder builder(options, sink);
  std::vector<flow::Flow> flows(4096);
  uint64_t count = 0;
  while (const size_t n = simulator.read(flows)) {
    if (stop.requested()) throw base::Stopped("stopped while simulating; {} is incomplete", o.store.string());
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
  base::write_file(o.labels, simulator.labels_csv());
  if (!o.roles.empty()) base::write_file(o.roles, simulator.roles_csv());
  return {count, writer.info().rows(), simulator.network().hosts().size(), simulator.attacks().size(),
          simulator.benign_events().size()};
}

}  // namespace netflowgen::study
