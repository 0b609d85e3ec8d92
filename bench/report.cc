// From an nfcapd archive to the report's page: seconds and peak of memory, beside the series of the same archive in the same
// run, which is what any use of the flows costs.
//
//   bench_report [--model FOLDER] [flows [seconds of traffic [hosts]]]      default 10000000 3600 100000
//   bench_report [--model FOLDER] --file FILE                               an archive that is there
//   without --model: the model that comes with the program; none: nothing is scored
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/file.h"
#include "bench/peer.h"
#include "bench/wire.h"
#include "flow/input_options.h"
#include "flow/nfcapd/record_layout2.h"
#include "flow/nfcapd/test_writer.h"
#include "flow/open.h"
#include "model/shipped_model.h"
#include "report/report.h"
#include "series/store.h"
#include "series/store_sink.h"

namespace {

using namespace netflowgen;
namespace fs = base::fs;

constexpr base::TimeMs kStart = 1'700'000'000'000;

struct Load {
  uint64_t flows = 10'000'000;
  uint64_t seconds = 3600;
  uint32_t hosts = 100'000;
};

// As nfcapd 1.7 writes it with -y. Half a minute of each ten is a flood on one host.
void write_archive(const fs::path& file, const Load& load) {
  using flow::nfcapd::Compression;
  using flow::nfcapd::TestWriter;
  TestWriter writer({.compression = Compression::kLz4, .block_bytes = size_t{3} << 20});
  bench::Traffic traffic(load.hosts);
  flow::Flow f;
  f.known = flow::nfcapd::kAlwaysKnown | flow::kKnownInterfaces | flow::kKnownAs;
  f.version = 9;
  f.exporter = base::IpAddr::v4(0xc0000201);
  writer.exporter(1, f);
  for (uint64_t i = 0; i < load.flows; ++i) {
    const bench::WireFlow w = traffic.next();
    f.end_ms = kStart + static_cast<base::TimeMs>(i * load.seconds * 1000 / load.flows);
    const bool flood = (f.end_ms - kStart) % 600'000 > 570'000 && i % 8 == 0;
    f.src = base::IpAddr::v4(flood ? static_cast<uint32_t>(0x50000000 + base::mix64(i) % 0x40000000) : w.src);
    f.dst = base::IpAddr::v4(flood ? 0x0a000101u : w.dst);
    f.src_port = w.src_port;
    f.dst_port = flood ? 443 : w.dst_port;
    f.protocol = w.protocol;
    f.tcp_flags = flood ? 2 : w.tcp_flags;
    f.packets = flood ? 1 : w.packets;
    f.bytes = flood ? 60 : w.bytes;
    f.start_ms = f.end_ms - (flood ? 0 : w.duration_ms);
    f.received_ms = f.end_ms;
    writer.flow(f);
  }
  base::write_file(file, writer.file());
}

std::unique_ptr<flow::FlowSource> open(const std::string& file) {
  flow::InputOptions input;
  input.paths = {file};
  return flow::open_flows(input);
}

int to_store(const std::string& file, const std::string& store) {
  series::StoreWriter writer(store, {});
  series::StoreSink sink(writer);
  series::SeriesOptions options;
  series::parse_hosts("10.0.0.0/8", options.nodes);
  series::SeriesBuilder builder(options, sink);
  const auto source = open(file);
  std::vector<flow::Flow> flows(1024);
  while (const size_t n = source->read(flows)) builder.add({flows.data(), n});
  builder.finish();
  writer.flush();
  return 0;
}

int to_page(const std::string& file, const std::string& page, const std::string& model) {
  base::StopFlag stop;
  report::ReportOptions options;
  options.inputs = {file};
  if (model != "none") options.model = model;
  options.now_ms = kStart + 86'400'000;
  options.program = "bench_report";
  options.temporary = fs::path(page).parent_path();
  options.stop = &stop;
  report::FlowInput input;
  input.open = [&] { return open(file); };
  const auto data = report::report_of_flows(input, options);
  base::write_file(page, report::report_page(data));
  fmt::print("  {} flows, {} of {} nodes scored in {} steps, {} alerts\n", data.flows->total.flows,
             data.watched.watched, data.watched.candidates, data.model.scored, data.alerts.alerts.size());
  return 0;
}

double timed(const std::string& name, const std::vector<std::string>& command) {
  const auto start = std::chrono::steady_clock::now();
  bench::Child child(command);
  const int status = child.finish(0);
  if (status != 0) throw base::Error("{} ended with {}", name, status);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{:24}{:7.1f} s, {:7.1f} CPU s, peak {:6.0f} MB\n", name, seconds, child.cpu_seconds(),
             child.peak_mib() * 1.048576);
  std::fflush(stdout);
  return child.cpu_seconds();
}

std::string shipped_or_none() {
  try {
    return model::shipped_model().string();
  } catch (const base::Error& e) {
    fmt::print("{}\nso nothing is scored\n", e.what());
    return "none";
  }
}

int run(std::vector<std::string> arguments, const std::string& self) {
  if (arguments.size() == 4 && arguments[0] == "--page")
    return to_page(arguments[1], arguments[2], arguments[3]);
  if (arguments.size() == 3 && arguments[0] == "--store") return to_store(arguments[1], arguments[2]);
  const auto take = [&](const char* name) {
    const auto it = std::find(arguments.begin(), arguments.end(), name);
    if (it == arguments.end() || it + 1 == arguments.end()) return std::string();
    const std::string value = it[1];
    arguments.erase(it, it + 2);
    return value;
  };
  std::string model = take("--model");
  if (model.empty()) model = shipped_or_none();
  const fs::path folder = fs::temp_directory_path() / fmt::format("nfg_bench_report_{}", getpid());
  fs::create_directories(folder);
  std::string file = take("--file");
  if (file.empty()) {
    Load load;
    if (!arguments.empty()) load.flows = std::stoull(arguments[0]);
    if (arguments.size() > 1) load.seconds = std::stoull(arguments[1]);
    if (arguments.size() > 2) load.hosts = static_cast<uint32_t>(std::stoul(arguments[2]));
    file = (folder / "nfcapd.202311142213").string();
    write_archive(file, load);
  }
  const double series = timed("series, 10.0.0.0/8", {self, "--store", file, (folder / "store").string()});
  const double page = timed("report", {self, "--page", file, (folder / "page.html").string(), model});
  fmt::print("report / series: {:.2f} in CPU seconds\n", page / series);
  fs::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc), fs::read_symlink("/proc/self/exe").string());
  } catch (const base::Error& e) {
    fmt::print(stderr, "bench_report: {}\n", e.what());
    return 1;
  }
}
