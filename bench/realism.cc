// How alike drawn networks and real ones are: quantiles of the same statistics, side by side.
//
//     bench_realism [SHARED] [NETWORKS]
//
// Real: CESNET-TimeSeries24 (10-minute bins of 312 addresses of an ISP) and SCLDDoS2024 set C (events of a detector)
// in SHARED/data2, where they are. Drawn: unsampled networks of a week, seeds from 1; both directions of an address
// together, attacks left out where nodes and flows are counted.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "flow/text_table.h"
#include "sim/draw.h"
#include "sim/simulator.h"

namespace {

using namespace netflowgen;

constexpr int64_t kBinMs = 600'000;
constexpr size_t kDay = 144;  // bins
constexpr std::array<double, 5> kQuantiles = {0.1, 0.25, 0.5, 0.75, 0.9};
constexpr double kTopShare = 0.0056;  // of flows; in AGH campus they carry 92 % of the bytes

using Values = std::vector<double>;

struct Bin {
  double flows = 0;
  double packets = 0;
  double bytes = 0;
};
using Node = std::map<int64_t, Bin>;  // by bin

double quantile(Values v, double q) {
  if (v.empty()) return NAN;
  const auto i = static_cast<size_t>(q * static_cast<double>(v.size() - 1));
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(i), v.end());
  return v[i];
}

void print_row(const std::string& what, const char* source, const Values& v) {
  std::string text;
  for (const double q : kQuantiles) text += fmt::format(" {:10.4g}", quantile(v, q));
  fmt::print("{:34} {:6}{}   {} values\n", what, source, text, v.size());
}

// Of nodes over `bins` bins.
struct NodeStatistics {
  Values presence, run, flows, most, packets, bytes, day, totals;

  void add(const Node& node, size_t bins) {
    presence.push_back(static_cast<double>(node.size()) / static_cast<double>(bins));
    if (node.empty()) return;
    Values each;
    Values of_flow;
    double sent = 0;
    double octets = 0;
    double runs = 0;
    int64_t before = INT64_MIN;
    Values log_flows(bins);
    for (const auto& [at, bin] : node) {
      each.push_back(bin.flows);
      of_flow.push_back(bin.packets / bin.flows);
      sent += bin.packets;
      octets += bin.bytes;
      runs += at != before + 1 ? 1 : 0;
      before = at;
      log_flows[std::min(static_cast<size_t>(at), bins - 1)] = std::log1p(bin.flows);
    }
    run.push_back(static_cast<double>(node.size()) / runs);
    flows.push_back(quantile(each, 0.5));
    most.push_back(*std::max_element(each.begin(), each.end()) / quantile(each, 0.5));
    packets.push_back(quantile(of_flow, 0.5));
    bytes.push_back(octets / sent);
    totals.push_back(octets);
    day.push_back(autocorrelation(log_flows, kDay));
  }

  static double autocorrelation(Values x, size_t lag) {
    double mean = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    double all = 0;
    double lagged = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      all += (x[i] - mean) * (x[i] - mean);
      if (i >= lag) lagged += (x[i] - mean) * (x[i - lag] - mean);
    }
    return all > 0 ? lagged / all : 0;
  }

  void print(const char* source) const {
    print_row("presence, share of bins", source, presence);
    print_row("bins in a row, mean of a node", source, run);
    print_row("flows in a bin, median of a node", source, flows);
    print_row("busiest bin over the median", source, most);
    print_row("packets of a flow, median of bins", source, packets);
    print_row("bytes of a packet", source, bytes);
    print_row("autocorrelation at a day", source, day);
    Values sorted = totals;
    std::sort(sorted.rbegin(), sorted.rend());
    double top = 0;
    double all = 0;
    for (size_t i = 0; i < sorted.size(); ++i) (i * 10 < sorted.size() ? top : all) += sorted[i];
    fmt::print("{:34} {:6} {:.2f}\n", "bytes of the busiest tenth", source, top / (top + all));
  }
};

struct AttackStatistics {
  Values seconds, sources, bytes, times_normal;

  void print(const char* source) const {
    print_row("attacks: seconds", source, seconds);
    print_row("attacks: sources", source, sources);
    print_row("attacks: bytes of a packet", source, bytes);
    if (!times_normal.empty()) print_row("attacks: times the normal level", source, times_normal);
  }
};

struct FlowStatistics {
  Values one_packet, top_bytes;  // [network]

  void add(Values bytes, double ones) {
    one_packet.push_back(ones / static_cast<double>(bytes.size()));
    std::sort(bytes.rbegin(), bytes.rend());
    double top = 0;
    double all = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      top += static_cast<double>(i) < kTopShare * static_cast<double>(bytes.size()) ? bytes[i] : 0;
      all += bytes[i];
    }
    top_bytes.push_back(top / all);
  }
};

void real_nodes(const std::string& folder) {
  std::map<std::string, Node> nodes;
  int64_t last = 0;
  for (const auto* part : {"aa", "ab", "ac"}) {
    flow::TextTable table(fmt::format("{}/cesnet_ts24/ip_10min_{}.csv.zst", folder, part));
    std::vector<std::string> cells;
    while (table.next(cells)) {
      if (cells.size() < 5 || cells[0] == "id_ip") continue;
      const int64_t at = std::stoll(cells[1]);
      last = std::max(last, at);
      nodes[cells[0]][at] = {std::stod(cells[2]), std::stod(cells[3]), std::stod(cells[4])};
    }
  }
  NodeStatistics all;
  for (const auto& [name, node] : nodes) all.add(node, static_cast<size_t>(last + 1));
  all.print("real");
}

void real_attacks(const std::string& folder) {
  flow::TextTable table(folder + "/sclddos_setC/events.csv.zst");
  std::vector<std::string> cells;
  AttackStatistics all;
  while (table.next(cells)) {
    if (cells.size() < 12 || cells[11] != "DDoS attack") continue;
    const auto from = flow::parse_time_cell(cells[9]);
    const auto to = flow::parse_time_cell(cells[10]);
    if (from && to && *to >= *from) all.seconds.push_back(static_cast<double>(*to - *from) / 1'000);
    if (cells[7] != "0") all.bytes.push_back(std::stod(cells[7]));
    all.sources.push_back(std::stod(cells[8]));
  }
  all.print("real");
}

struct Drawn {
  NodeStatistics nodes;
  AttackStatistics attacks;
  FlowStatistics flows;
};

void add_attacks(const sim::Scenario& scenario, AttackStatistics& all) {
  const sim::Simulator planned(scenario, {1});
  for (const auto& a : planned.attacks()) {
    all.seconds.push_back((a.end_ms - a.start_ms) / 1'000);
    if (!a.spoofed) all.sources.push_back(static_cast<double>(a.sources));
    all.bytes.push_back(a.type->sizes.mean());
    all.times_normal.push_back(a.intensity);
  }
}

void add_network(sim::Scenario scenario, Drawn& drawn) {
  add_attacks(scenario, drawn.attacks);
  scenario.attacks.script.clear();
  sim::Simulator simulator(scenario, {1});
  std::unordered_map<base::IpAddr, Node> nodes;
  for (const auto& h : simulator.network().hosts()) nodes[h.address];
  Values bytes;
  double ones = 0;
  std::vector<flow::Flow> some(4'096);
  for (size_t n = simulator.read(some); n > 0; n = simulator.read(some)) {
    for (size_t i = 0; i < n; ++i) {
      const auto& f = some[i];
      bytes.push_back(static_cast<double>(f.bytes));
      ones += f.packets == 1 ? 1 : 0;
      for (const auto& address : {f.src, f.dst}) {
        const auto it = nodes.find(address);
        if (it == nodes.end()) continue;
        Bin& bin = it->second[(f.start_ms - scenario.start.ms) / kBinMs];
        bin.flows += 1;
        bin.packets += static_cast<double>(f.packets);
        bin.bytes += static_cast<double>(f.bytes);
      }
    }
  }
  if (bytes.empty()) return;
  drawn.flows.add(std::move(bytes), ones);
  for (const auto& [address, node] : nodes)
    drawn.nodes.add(node, static_cast<size_t>(scenario.duration.ms / kBinMs));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = std::string(argc > 1 ? argv[1] : "../shared") + "/data2";
  const uint64_t networks = argc > 2 ? std::stoull(argv[2]) : 40;
  sim::DrawOptions options;
  options.duration = {{7 * 86'400'000}, {7 * 86'400'000}};
  options.leave_out.sampling = {{2, 4'096}};
  Drawn drawn;
  for (uint64_t seed = 1; seed <= networks; ++seed) add_network(sim::draw_scenario(seed, options), drawn);
  fmt::print("{:41}", "");
  for (const double q : kQuantiles) fmt::print(" {:>10}", fmt::format("q{:.2g}", q));
  fmt::print("\n");
  std::error_code error;
  const bool real = base::fs::is_directory(folder, error);
  if (!real) fmt::print("skipped real data: no {}\n", folder);
  if (real) real_nodes(folder);
  drawn.nodes.print("drawn");
  if (real) real_attacks(folder);
  drawn.attacks.print("drawn");
  fmt::print("AGH campus: one-packet flows 0.48; bytes of the largest 0.56 % of flows 0.92\n");
  print_row("one-packet flows, share", "drawn", drawn.flows.one_packet);
  print_row("bytes of the largest 0.56 %", "drawn", drawn.flows.top_bytes);
}
