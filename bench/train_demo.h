// What the benchmarks of training share: the demo's traffic (simulated), the batch, and how a step's time is taken.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "learn/pretrain.h"
#include "series/builder.h"
#include "series/store.h"
#include "series/store_sink.h"
#include "sim/scenario.h"
#include "sim/simulator.h"

namespace netflowgen::bench {

inline constexpr int64_t kTrainBatch = 16;
inline constexpr int64_t kTrainLength = 256;

struct Times {
  double wall = 0;
  double cpu = 0;
};

inline Times now() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(), seconds(u.ru_utime) + seconds(u.ru_stime)};
}

inline Times since(const Times& start) {
  const Times t = now();
  return {t.wall - start.wall, t.cpu - start.cpu};
}

inline double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

// A day of the demo's network, written to a store and read from it.
inline series::FrameTable demo_frames(const base::fs::path& store) {
  sim::Scenario scenario = sim::load_scenario("demo");
  scenario.duration = {24 * 3600 * 1000};
  scenario.attacks.count = 10;
  sim::Simulator simulator(scenario);
  series::StoreWriter writer(store, {.timezone = scenario.timezone});
  series::StoreSink sink(writer);
  series::SeriesOptions options;
  options.nodes.all_hosts = false;
  options.nodes.hosts = {scenario.network.prefix};
  series::SeriesBuilder builder(options, sink);
  std::vector<flow::Flow> flows(4096);
  while (const size_t n = simulator.read(flows)) builder.add({flows.data(), n});
  builder.finish();
  writer.cover(builder.first_step(), builder.end_step());
  writer.flush();
  return series::load_frames(store);
}

inline learn::PretrainOptions train_options(const model::ModelSpec& spec, int64_t steps, int threads = 0) {
  learn::PretrainOptions o;
  o.spec = spec;
  o.steps = steps;
  o.batch = kTrainBatch;
  o.length = kTrainLength;
  o.evaluate_every = 1 << 30;
  o.threads = threads;
  return o;
}

// Medians over optimiser steps; the first ones warm caches and are left out. `threads` 0: all cores.
inline Times step_times(const series::FrameTable& table, const model::ModelSpec& spec, int64_t steps,
                        const base::fs::path& out, int threads = 0) {
  std::vector<double> wall;
  std::vector<double> cpu;
  Times last = now();
  const base::StopFlag stop;
  learn::pretrain(table, train_options(spec, steps + 3, threads), out, stop, [&](const base::Progress& p) {
    const Times t = since(last);
    last = now();
    if (p.done < 3 || p.done >= p.total) return;  // the last one validates
    wall.push_back(t.wall);
    cpu.push_back(t.cpu);
  });
  return {median(wall), median(cpu)};
}

}  // namespace netflowgen::bench
