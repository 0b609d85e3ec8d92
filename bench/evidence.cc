// What the flows of an alert cost: a full sample of a step's flows asked for many hosts, by the index of destinations and by a look at
// every flow. CPU time of each in turns, and the ratio. Exits with 1 when the flows differ.
//
//   bench_evidence [hosts [alerts]]     default 100000 1000
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "base/random.h"
#include "detect/flow_sample.h"

namespace {

using namespace netflowgen;

constexpr int64_t kStep_ms = 60'000;
constexpr int kTurns = 5;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

flow::Flow random_flow(uint32_t hosts, base::Random& random) {
  flow::Flow f;
  f.src = base::IpAddr::v4(static_cast<uint32_t>(random.next()));
  f.dst = base::IpAddr::v4(0x0a000000 + static_cast<uint32_t>(random.below(hosts)));
  f.start_ms = f.end_ms = static_cast<base::TimeMs>(random.below(kStep_ms));
  f.protocol = 17;
  f.packets = 1 + random.below(100);
  f.bytes = f.packets * 100;
  f.known = flow::kKnownPackets | flow::kKnownBytes | flow::kKnownProtocol;
  return f;
}

}  // namespace

int main(int argc, char** argv) {
  const auto hosts = static_cast<uint32_t>(argc > 1 ? std::max(1, std::atoi(argv[1])) : 100'000);
  const int alerts = argc > 2 ? std::max(1, std::atoi(argv[2])) : 1000;
  base::Random random(1);
  detect::FlowSample sample(kStep_ms);
  for (int i = 0; i < 400'000; ++i) {
    const auto f = random_flow(hosts, random);
    sample.add({&f, 1});
  }
  std::vector<detect::NodeMatch> nodes;
  for (int i = 0; i < alerts; ++i)
    nodes.emplace_back(base::IpAddr::v4(0x0a000000 + static_cast<uint32_t>(random.below(hosts))).to_string());
  std::vector<double> plain;
  std::vector<double> indexed;
  bool same = true;
  for (int turn = 0; turn < kTurns; ++turn) {
    detect::FlowSample fresh = sample;  // whose index is still to be made
    const auto all = fresh.step(0);
    std::vector<size_t> a;
    std::vector<size_t> b;
    const double start = cpu_seconds();
    for (const auto& node : nodes) a.push_back(static_cast<size_t>(std::ranges::count_if(all, node)));
    const double middle = cpu_seconds();
    for (const auto& node : nodes) b.push_back(fresh.flows(node, 0, 0).size());
    indexed.push_back((cpu_seconds() - middle) * 1e3);
    plain.push_back((middle - start) * 1e3);
    same = same && a == b;
  }
  std::ranges::sort(plain);
  std::ranges::sort(indexed);
  const double p = plain[kTurns / 2];
  const double q = indexed[kTurns / 2];
  fmt::print(
      "{} flows, {} alerts: {:.1f} ms by a look at every flow, {:.1f} ms by the index with its making, ratio "
      "{:.4f}; {}\n",
      sample.held(), alerts, p, q, q / p, same ? "the same flows" : "DIFFERENT FLOWS");
  return same ? 0 : 1;
}
