// Small scenarios for tests, and what their flows add up to.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "sim/scenario.h"
#include "sim/simulator.h"

namespace netflowgen::sim {

inline std::vector<flow::Flow> all_flows(const Scenario& scenario, unsigned threads = 1,
                                         size_t batch = 1000) {
  Simulator simulator(scenario, {threads});
  std::vector<flow::Flow> flows;
  std::vector<flow::Flow> some(batch);
  for (size_t n = simulator.read(some); n > 0; n = simulator.read(some)) {
    flows.insert(flows.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
  }
  return flows;
}

// Values per minute from the scenario's start, of the flows by their start.
inline std::vector<double> by_minute(const Scenario& scenario, const std::vector<flow::Flow>& flows,
                                     const std::function<double(const flow::Flow&)>& value) {
  std::vector<double> minutes(static_cast<size_t>(scenario.duration.ms / kMinuteMs));
  for (const auto& f : flows) {
    minutes[static_cast<size_t>((f.start_ms - scenario.start.ms) / kMinuteMs)] += value(f);
  }
  return minutes;
}

// Hurst parameter by the variance of block means: Var(mean of m) ~ m^(2H - 2), least squares over octaves.
inline double hurst_of(const std::vector<double>& x, size_t least, size_t most) {
  double mean = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0, n = 0;
  for (size_t m = least; m <= most; m *= 2) {
    double variance = 0;
    const size_t blocks = x.size() / m;
    for (size_t b = 0; b < blocks; ++b) {
      double sum = 0;
      for (size_t i = 0; i < m; ++i) sum += x[b * m + i];
      const double d = sum / static_cast<double>(m) - mean;
      variance += d * d / static_cast<double>(blocks);
    }
    const double u = std::log(static_cast<double>(m));
    const double v = std::log(variance);
    sx += u, sy += v, sxx += u * u, sxy += u * v, n += 1;
  }
  return 1.0 + 0.5 * (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

// One host, nothing else happens: flat, steady, no benign events, no attacks.
inline Scenario quiet_scenario(const std::string& role, int64_t hours) {
  Scenario s = parse_scenario(
      "network: {sampling: 1, prefix: 10.9.0.0/24, radiation: 0}\nhosts: {" + role +
          ": {count: 1, spread: 0, noise: 0, cycle: flat}}\nattacks: {count: 0}\n"
          "benign: {flash_crowds: 0, load_tests: 0, outages: 0, mail_campaigns: 0, software_updates: 0, "
          "vertical_scans: 0, horizontal_scans: 0, backup_share: 0}\n",
      "test");
  s.duration.ms = hours * 3'600'000;
  return s;
}

}  // namespace netflowgen::sim
