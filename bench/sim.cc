// The simulator's rate on the demo's scenario, beside drawing every unsampled flow and thinning it afterwards;
// and how far plain volume thresholds get on its labels, which says whether the scenario is too easy.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "sim/scenario.h"
#include "sim/simulator.h"

namespace {

using namespace netflowgen;
using Clock = std::chrono::steady_clock;

constexpr size_t kVolumes = 3;  // bytes, packets, flows received

struct Cell {
  double value[kVolumes] = {};
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Scored {
  double score;
  double positive;  // weight of an attack minute: 1, or 1 / minutes of its event
  bool attack;
};

double average_precision(std::vector<Scored>& rows, bool by_event) {
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  double all = 0;
  for (const auto& r : rows) all += r.attack ? (by_event ? r.positive : 1.0) : 0.0;
  double hit = 0;
  double false_alarms = 0;
  double area = 0;
  // Event weights are scaled to the number of attack minutes, so that precision keeps its meaning.
  double minutes = 0;
  for (const auto& r : rows) minutes += r.attack ? 1 : 0;
  const double scale = by_event ? minutes / all : 1.0;
  for (const auto& r : rows) {
    if (!r.attack) {
      false_alarms += 1;
      continue;
    }
    const double weight = (by_event ? r.positive : 1.0) * scale;
    hit += weight;
    area += weight * hit / (hit + false_alarms);
  }
  return area / (all * scale);
}

void thresholds(const sim::Scenario& scenario) {
  sim::Simulator simulator(scenario);
  const auto& hosts = simulator.network().hosts();
  std::map<base::IpAddr, size_t> index;
  for (const auto& h : hosts) index[h.address] = h.index;
  const auto minutes = static_cast<size_t>(simulator.minutes_total());
  std::vector<Cell> cells(hosts.size() * minutes);
  std::vector<flow::Flow> batch(4096);
  const auto start = Clock::now();
  uint64_t flows = 0;
  for (size_t n = simulator.read(batch); n > 0; n = simulator.read(batch)) {
    flows += n;
    for (size_t i = 0; i < n; ++i) {
      const auto it = index.find(batch[i].dst);
      if (it == index.end()) continue;
      const auto m = static_cast<size_t>((batch[i].start_ms - scenario.start.ms) / 60'000);
      double* v = cells[it->second * minutes + m].value;
      v[0] += static_cast<double>(batch[i].bytes);
      v[1] += static_cast<double>(batch[i].packets);
      v[2] += 1;
    }
  }
  const double seconds = seconds_since(start);
  fmt::print("{}: {} flows, {:.2f} M flows/s with this aggregation\n", scenario.name, flows,
             static_cast<double>(flows) / seconds / 1e6);
  std::vector<double> weight(cells.size());  // of an attack minute
  for (const auto& a : simulator.attacks()) {
    const auto from = static_cast<size_t>((static_cast<int64_t>(a.start_ms) - scenario.start.ms) / 60'000);
    const auto to = static_cast<size_t>((static_cast<int64_t>(a.end_ms) - 1 - scenario.start.ms) / 60'000);
    for (const size_t v : a.victims) {
      for (size_t m = from; m <= to; ++m) weight[v * minutes + m] = 1.0 / static_cast<double>(to - from + 1);
    }
  }
  static constexpr const char* kNames[kVolumes] = {"bytes_in", "packets_in", "flows_in"};
  fmt::print(
      "average precision of a threshold (each minute alike / each event alike), minutes with traffic in\n");
  for (size_t f = 0; f < kVolumes; ++f) {
    std::vector<Scored> absolute;
    std::vector<Scored> relative;  // over the host's own mean
    for (const auto& h : hosts) {
      double mean = 0;
      for (size_t m = 0; m < minutes; ++m)
        mean += cells[h.index * minutes + m].value[f] / static_cast<double>(minutes);
      for (size_t m = 0; m < minutes; ++m) {
        const size_t c = h.index * minutes + m;
        if (cells[c].value[2] == 0) continue;
        absolute.push_back({cells[c].value[f], weight[c], weight[c] > 0});
        relative.push_back({cells[c].value[f] / (mean + 1), weight[c], weight[c] > 0});
      }
    }
    fmt::print("  {:10}  absolute {:.3f} / {:.3f}   over the host's mean {:.3f} / {:.3f}\n", kNames[f],
               average_precision(absolute, false), average_precision(absolute, true),
               average_precision(relative, false), average_precision(relative, true));
  }
}

// Flows a second that leave the routers in the first hours: thinned when drawn, or drawn all and thinned after.
void rates(sim::Scenario scenario) {
  scenario.duration.ms = 3 * 3'600'000;
  const auto sampling = scenario.network.sampling;
  const sim::Thinning thinning(static_cast<uint32_t>(sampling));
  double rate[2] = {};
  for (const bool naive : {false, true}) {
    scenario.network.sampling = naive ? 1 : sampling;
    sim::Simulator simulator(scenario, {1});
    base::Random random(1);
    std::vector<flow::Flow> batch(4096);
    uint64_t kept = 0;
    const auto start = Clock::now();
    for (size_t n = simulator.read(batch); n > 0; n = simulator.read(batch)) {
      for (size_t i = 0; i < n; ++i)
        kept += naive ? (thinning.thin(random, batch[i].packets) > 0 ? 1 : 0) : 1;
    }
    rate[naive ? 1 : 0] = static_cast<double>(kept) / seconds_since(start);
  }
  fmt::print("one thread: {:.0f} flows/s; drawing all and thinning after: {:.0f} flows/s; ratio {:.1f}\n",
             rate[0], rate[1], rate[0] / rate[1]);
}

}  // namespace

int main(int argc, char** argv) {
  const sim::Scenario scenario = sim::load_scenario(argc > 1 ? argv[1] : "demo");
  thresholds(scenario);
  rates(scenario);
  return 0;
}
