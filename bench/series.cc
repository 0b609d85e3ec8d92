// From an nfcapd archive to a series store, as the command `series` does it: flows per CPU second on one core with
// all features of both directions, and the peak of memory; beside Debian's nfdump on the same file in the same
// run, where it is installed: -A dstip (sums per host only) and -s dstip/bytes.
//
//   bench_series [flows [seconds of traffic]]        default 20000000 1200
//   bench_series --file FILE [OTHER [rounds]]        an archive that is there; by turns with OTHER, the bench_series of another commit
//   bench_series --write FILE [flows [seconds]]      only the archive
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/peer.h"
#include "bench/wire.h"
#include "flow/input_options.h"
#include "flow/nfcapd/record_layout2.h"
#include "flow/nfcapd/test_writer.h"
#include "flow/open.h"
#include "flow/record.h"
#include "series/builder.h"
#include "series/node.h"
#include "series/store.h"
#include "series/store_sink.h"

namespace {

using namespace netflowgen;
namespace fs = base::fs;

constexpr uint32_t kHosts = 100'000;
constexpr base::TimeMs kStart = 1'700'000'000'000;

// An archive as nfcapd 1.7 writes it with -y: LZ4 blocks of about 3 MiB.
void write_archive(const fs::path& file, uint64_t flows, uint64_t seconds) {
  using flow::nfcapd::Compression;
  using flow::nfcapd::TestWriter;
  TestWriter writer({.compression = Compression::kLz4, .block_bytes = size_t{3} << 20});
  bench::Traffic traffic(kHosts);
  flow::Flow f;
  f.known = flow::nfcapd::kAlwaysKnown | flow::kKnownInterfaces | flow::kKnownAs;
  f.version = 9;
  f.exporter = base::IpAddr::v4(0xc0000201);
  writer.exporter(1, f);
  for (uint64_t i = 0; i < flows; ++i) {
    const bench::WireFlow w = traffic.next();
    f.src = base::IpAddr::v4(w.src);
    f.dst = base::IpAddr::v4(w.dst);
    f.src_port = w.src_port;
    f.dst_port = w.dst_port;
    f.protocol = w.protocol;
    f.tcp_flags = w.tcp_flags;
    f.packets = w.packets;
    f.bytes = w.bytes;
    f.end_ms = kStart + static_cast<base::TimeMs>(i * seconds * 1000 / flows);
    f.start_ms = f.end_ms - w.duration_ms;
    f.received_ms = f.end_ms;
    writer.flow(f);
  }
  base::write_file(file, writer.file());
}

uint64_t count_flows(const std::string& file) {
  flow::InputOptions input;
  input.paths = {file};
  const auto source = flow::open_flows(input);
  std::vector<flow::Flow> flows(1024);
  uint64_t n = 0;
  while (const size_t got = source->read(flows)) n += got;
  return n;
}

// What the measured child does; the exit status is 0 when every flow was accepted.
int to_store(const std::string& file, const std::string& store, const std::string& nodes) {
  flow::InputOptions input;
  input.paths = {file};
  const auto source = flow::open_flows(input);
  series::SeriesOptions options;
  series::parse_hosts(nodes, options.nodes);
  series::StoreWriter writer(store, {});
  series::StoreSink sink(writer);
  series::SeriesBuilder builder(options, sink);
  std::vector<flow::Flow> flows(256);
  while (const size_t n = source->read(flows)) builder.add({flows.data(), n});
  builder.finish();
  writer.cover(builder.first_step(), builder.end_step());
  writer.flush();
  return builder.flow_ledger().dropped() == 0 ? 0 : 1;
}

struct Cost {
  double rate = 0;  // M flows per CPU second
  double peak = 0;  // MB
};

Cost report(const std::string& name, uint64_t flows, const std::vector<std::string>& command) {
  bench::Child child(command);
  const int status = child.finish(0);
  if (status != 0) throw base::Error("{} ended with {}", name, status);
  const Cost cost{static_cast<double>(flows) / 1e6 / child.cpu_seconds(), child.peak_mib() * 1.048576};
  fmt::print("{:44}{:6.2f} M flows/s per CPU second, peak {:5.0f} MB\n", name, cost.rate, cost.peak);
  std::fflush(stdout);
  return cost;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// By turns, so that what else the machine does hits both: the median over the rounds of the ratios.
void compare_with(const std::string& self, const std::string& other, const std::string& file,
                  const std::string& store, size_t rounds) {
  const uint64_t flows = count_flows(file);
  for (const std::string nodes : {"10.0.0.0/8", "all"}) {
    std::vector<double> rates;
    std::vector<double> peaks;
    for (size_t i = 0; i < rounds; ++i) {
      const auto one = [&](const std::string& program, const char* name) {
        const Cost cost = report(fmt::format("{}, nodes {}", name, nodes), flows,
                                 {program, "--to-store", file, store, nodes});
        fs::remove_all(store);
        return cost;
      };
      const Cost theirs = one(other, "other");
      const Cost ours = one(self, "this");
      rates.push_back(ours.rate / theirs.rate);
      peaks.push_back(ours.peak / theirs.peak);
    }
    fmt::print("nodes {}: rate {:.2f} times, peak {:.2f} times the other's\n", nodes, median(rates),
               median(peaks));
  }
}

void compare(const std::string& self, const std::string& file, const fs::path& folder) {
  const uint64_t flows = count_flows(file);  // and brings it into the page cache
  const std::string store = (folder / "store").string();
  fmt::print("{} flows, {} MB\n", flows, fs::file_size(file) / 1'000'000);
  for (const std::string nodes : {"10.0.0.0/8", "all"}) {
    report(fmt::format("series, 39 features, nodes {}", nodes), flows,
           {self, "--to-store", file, store, nodes});
    fs::remove_all(store);
  }
  const std::string nfdump = bench::find_program("nfdump");
  if (nfdump.empty()) {
    fmt::print("nfdump is not installed: not compared\n");
    return;
  }
  report("nfdump -A dstip -o csv", flows, {nfdump, "-r", file, "-A", "dstip", "-o", "csv", "-q", "-n", "0"});
  report("nfdump -s dstip/bytes", flows, {nfdump, "-r", file, "-s", "dstip/bytes", "-n", "10"});
}

int run(const std::vector<std::string>& arguments, const std::string& self) {
  const auto argument = [&](size_t i, const char* standard) {
    return i < arguments.size() ? arguments[i] : std::string(standard);
  };
  if (argument(0, "") == "--to-store") return to_store(arguments.at(1), arguments.at(2), arguments.at(3));
  if (argument(0, "") == "--write") {
    write_archive(arguments.at(1), std::stoull(argument(2, "20000000")), std::stoull(argument(3, "1200")));
    return 0;
  }
  const fs::path folder = fs::temp_directory_path() / fmt::format("nfg_bench_series_{}", getpid());
  fs::create_directories(folder);
  std::string file = argument(1, "");
  if (argument(0, "") != "--file") {
    file = (folder / "nfcapd.202311142213").string();
    write_archive(file, std::stoull(argument(0, "20000000")), std::stoull(argument(1, "1200")));
  }
  if (arguments.size() > 2 && arguments[0] == "--file") {
    compare_with(self, arguments[2], file, (folder / "store").string(), std::stoull(argument(3, "3")));
  } else {
    compare(self, file, folder);
  }
  fs::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run(std::vector<std::string>(argv + 1, argv + argc), fs::read_symlink("/proc/self/exe").string());
}
