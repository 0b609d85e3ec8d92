// Live over loopback: NetFlow v9 at a given rate to `netflowgen collect` (its defaults: all features of every address,
// a store) and to Debian's nfcapd (which only stores, LZ4), by turns in one run: loss, CPU seconds per million flows, the
// peak of memory, and medians over the repeats. The collector has the last core for itself, the sender the first.
//
// Memory is touched for the first time until steps close, after three minutes: 360 s show what comes then.
//
//   bench_collector [flows/s [seconds [repeats [pool]]]]      default 1000000 15 3 0
//   pool: flows made before and sent over and over; 0: every flow is a new one
//
// Every flow belongs to one of 100,000 hosts and one of 262,144 addresses outside, which are nodes too, but where
// `collect` is asked for the hosts only (--nodes 10.0.0.0/8).
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/peer.h"

namespace {

using namespace netflowgen;
namespace fs = base::fs;

// The first and the last processor that this program may use; asked before anything is pinned.
struct Cores {
  size_t sender = 0;
  size_t collector = 0;
};
Cores choose_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  Cores cores;
  bool first = true;
  for (size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (!CPU_ISSET(i, &set)) continue;
    if (first) cores.sender = i;
    first = false;
    cores.collector = i;
  }
  return cores;
}

void pin_to(size_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);  // where it fails the figures are only less steady
}

// What the kernel's table of UDP sockets says about the sockets of one port.
struct SocketState {
  uint64_t queued = 0;  // octets
  uint64_t drops = 0;   // datagrams
};
SocketState socket_state(uint16_t port) {
  SocketState state;
  for (const char* table : {"/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream in(table);
    std::string line;
    std::getline(in, line);  // the names of the columns
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::vector<std::string> cells(std::istream_iterator<std::string>(words), {});
      if (cells.size() < 13) continue;
      const auto hex = [](const std::string& text) { return std::stoull(text, nullptr, 16); };
      if (hex(cells[1].substr(cells[1].find(':') + 1)) != port) continue;
      state.queued += hex(cells[4].substr(cells[4].find(':') + 1));
      state.drops += std::stoull(cells[12]);
    }
  }
  return state;
}

struct Result {
  double rate = 0;         // flows/s sent
  double lost = 0;         // share of the flows that were sent and not counted
  double kernel_lost = 0;  // share of the datagrams that the kernel dropped
  double receiving = 0;    // CPU seconds per million flows until everything had been taken
  double later = 0;        // in the second half of it: past 6 minutes, the steady state of 60 s steps
  double whole = 0;        // with what comes at the end: closing steps, writing
  double start = 0;        // CPU seconds before the first flow, in neither
  double peak_mib = 0;
};

struct Collector {
  std::string name;
  int stop_signal;
  std::function<std::vector<std::string>(uint16_t port, const fs::path& folder)> command;
  std::function<uint64_t(const fs::path& folder)> flows;  // that it counted
};

// Until the socket is empty and the collector has nothing more to do.
void wait_until_idle(const bench::Child& child, uint16_t port) {
  constexpr double kIdle = 0.02;  // CPU seconds in half a second
  for (int i = 0; i < 120; ++i) {
    const double before = child.cpu_seconds_now();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    if (socket_state(port).queued == 0 && child.cpu_seconds_now() - before < kIdle) return;
  }
}

Result measure(const Collector& collector, const bench::LoadOptions& load, Cores cores,
               const fs::path& folder) {
  fs::create_directories(folder);
  const uint16_t port = bench::free_port();
  pin_to(cores.collector);  // a child inherits it
  bench::Child child(collector.command(port, folder));
  pin_to(cores.sender);
  if (!bench::wait_for_listener(port)) throw base::Error("{} does not listen", collector.name);
  wait_until_idle(child, port);
  Result r;
  r.start = child.cpu_seconds_now();
  double half = 0;
  std::thread at_half([&] {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(static_cast<double>(load.flows) / load.flows_per_second / 2));
    half = child.cpu_seconds_now();
  });
  const auto sent = bench::send_load(port, load, [](std::string_view, base::TimeMs) {});
  at_half.join();
  wait_until_idle(child, port);
  const double millions = static_cast<double>(sent.flows) / 1e6;
  r.rate = static_cast<double>(sent.flows) / sent.seconds;
  r.kernel_lost = static_cast<double>(socket_state(port).drops) / static_cast<double>(sent.datagrams);
  r.receiving = (child.cpu_seconds_now() - r.start) / millions;
  r.later = (child.cpu_seconds_now() - half) / (millions / 2);
  child.finish(collector.stop_signal);
  r.whole = (child.cpu_seconds() - r.start) / millions;
  r.peak_mib = child.peak_mib();
  r.lost = 1 - static_cast<double>(collector.flows(folder)) / static_cast<double>(sent.flows);
  fs::remove_all(folder);
  return r;
}

// Accepted into the series, not only received.
uint64_t flows_of_books(const fs::path& folder) {
  const auto counters = nlohmann::json::parse(base::read_file(folder / "store" / "counters.json"));
  for (const auto& stage : counters.at("stages")) {
    if (stage.at("stage") == "series flows") return stage.at("out").get<uint64_t>();
  }
  return 0;
}

uint64_t flows_of_archive(const fs::path& folder) {
  const fs::path out = folder / "summary";
  uint64_t flows = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("nfcapd.2")) continue;
    bench::Child({bench::find_program("nfdump"), "-r", entry.path().string(), "-I"}, out.string()).finish(0);
    std::istringstream lines(base::read_file(out));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("Flows: ")) flows += std::stoull(line.substr(7));
    }
  }
  return flows;
}

std::vector<Collector> collectors(const std::string& netflowgen) {
  const auto ours = [netflowgen](uint16_t port, const fs::path& folder) {
    return std::vector<std::string>{netflowgen, "collect",
                                    "--listen", fmt::format("udp://127.0.0.1:{}", port),
                                    "-o",       (folder / "store").string()};
  };
  const auto hosts = [ours](uint16_t port, const fs::path& folder) {
    auto command = ours(port, folder);
    command.insert(command.end(), {"--nodes", "10.0.0.0/8"});
    return command;
  };
  std::vector<Collector> all{{"netflowgen collect", SIGINT, ours, flows_of_books},
                             {"of the hosts only", SIGINT, hosts, flows_of_books}};
  const std::string nfcapd = bench::find_program("nfcapd");
  if (nfcapd.empty()) {
    fmt::print("nfdump is not installed: not compared\n");
    return all;
  }
  // -B as much as collect asks for; the kernel grants net.core.rmem_max of it.
  const auto theirs = [nfcapd](uint16_t port, const fs::path& folder) {
    return std::vector<std::string>{
        nfcapd, "-w", folder.string(), "-p", std::to_string(port), "-b", "127.0.0.1", "-B", "33554432",
        "-y",   "-t", "86400"};
  };
  all.push_back({"nfcapd -y", SIGTERM, theirs, flows_of_archive});
  return all;
}

double median(const std::vector<Result>& results, double Result::*field) {
  std::vector<double> values;
  for (const auto& r : results) values.push_back(r.*field);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const std::string& name, const std::vector<Result>& results) {
  const auto of = [&](double Result::*field) { return median(results, field); };
  fmt::print(
      "{:20}{:9.3f} M/s  lost {:7.4f} % (kernel {:.4f} %)  CPU s per M flows {:.3f}, second half {:.3f}, "
      "with the end {:.3f}  "
      "peak {:.0f} MB\n",
      name, of(&Result::rate) / 1e6, of(&Result::lost) * 100, of(&Result::kernel_lost) * 100,
      of(&Result::receiving), of(&Result::later), of(&Result::whole), of(&Result::peak_mib) * 1.048576);
  std::fflush(stdout);
}

int run(const std::vector<std::string>& arguments) {
  const auto argument = [&](size_t i, uint64_t standard) {
    return i < arguments.size() ? std::stoull(arguments[i]) : standard;
  };
  const uint64_t rate = argument(0, 1'000'000);
  const bench::LoadOptions load{.flows = rate * argument(1, 15),
                                .flows_per_second = static_cast<double>(rate),
                                .pool_flows = argument(3, 0)};
  const uint64_t repeats = argument(2, 3);
  const Cores cores = choose_cores();
  const fs::path self = fs::read_symlink("/proc/self/exe");
  const fs::path folder = fs::temp_directory_path() / fmt::format("nfg_bench_collector_{}", getpid());
  const auto all = collectors((self.parent_path().parent_path() / "netflowgen").string());
  std::vector<std::vector<Result>> results(all.size());
  fmt::print("{} flows a run at {} a second, {} hosts, {} flows\n", load.flows, rate, load.hosts,
             load.pool_flows == 0 ? std::string("always new") : fmt::format("{} distinct", load.pool_flows));
  for (uint64_t i = 0; i < repeats; ++i) {
    for (size_t c = 0; c < all.size(); ++c) {
      results[c].push_back(measure(all[c], load, cores, folder));
      print(all[c].name, {results[c].back()});
    }
  }
  fmt::print("medians of {}:\n", repeats);
  for (size_t c = 0; c < all.size(); ++c) print(all[c].name, results[c]);
  if (all.size() > 1) {
    fmt::print("CPU, ours over nfcapd's: {:.2f}\n",
               median(results[0], &Result::whole) / median(results[1], &Result::whole));
  }
  fs::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run(std::vector<std::string>(argv + 1, argv + argc)); }
