// JSON lines: objects and flows per CPU second of each dialect, from files in the page cache, and the ratio to Python's
// orjson over the same file in the same run. orjson does less: it makes a dict of every line and no flow.
//
//   bench_json [rows [python]]        default 300000, python3 (with orjson: pip install orjson)
//   bench_json --write FOLDER [rows]  only writes the files
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/random.h"
#include "base/time.h"
#include "flow/input_options.h"
#include "flow/io/byte_sink.h"
#include "flow/open.h"
#include "flow/record.h"
#include "flow/write/json_writer.h"

namespace {

using namespace netflowgen;

constexpr int kRepeats = 5;

struct Case {
  std::string name;
  std::function<std::string(base::Random&, size_t)> row;
};

std::string v4(base::Random& r) { return base::IpAddr::v4(static_cast<uint32_t>(r.next())).to_string(); }
uint64_t port(base::Random& r) { return r.chance(0.5) ? 443 : 1024 + r.below(60000); }
base::TimeMs time_of(size_t i) { return 1'767'225'600'000 + static_cast<base::TimeMs>(i) * 3; }

std::string zeek_row(base::Random& r, size_t i) {
  return fmt::format(
      R"({{"ts":{}.{:03}988,"uid":"C{:016x}","id.orig_h":"{}","id.orig_p":{},"id.resp_h":"{}","id.resp_p":{},"proto":"tcp",)"
      R"("service":"ssl","duration":0.{:06},"orig_bytes":{},"resp_bytes":{},"conn_state":"SF","local_orig":true,)"
      R"("local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":{},"orig_ip_bytes":{},"resp_pkts":{},)"
      R"("resp_ip_bytes":{}}})",
      time_of(i) / 1000, time_of(i) % 1000, r.next(), v4(r), port(r), v4(r), port(r), r.below(1000000),
      r.below(10000), r.below(1000000), 1 + r.below(100), 40 + r.below(10000), 1 + r.below(100),
      40 + r.below(1000000));
}

std::string suricata_row(base::Random& r, size_t i) {
  std::string t = base::format_time(time_of(i)).substr(0, 19) + ".123456+0000";
  return fmt::format(
      R"({{"timestamp":"{}","flow_id":{},"in_iface":"eth0","event_type":"flow","src_ip":"{}","src_port":{},"dest_ip":"{}",)"
      R"("dest_port":{},"proto":"TCP","app_proto":"tls","flow":{{"pkts_toserver":{},"pkts_toclient":{},"bytes_toserver":{},)"
      R"("bytes_toclient":{},"start":"{}","end":"{}","age":1,"state":"closed","reason":"timeout","alerted":false}},)"
      R"("tcp":{{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,)"
      R"("state":"closed"}}}})",
      t, r.next() >> 12, v4(r), port(r), v4(r), port(r), 1 + r.below(100), 1 + r.below(100),
      40 + r.below(10000), 40 + r.below(1000000), t, t);
}

std::string nfdump_row(base::Random& r, size_t i) {
  const std::string t = base::format_time(time_of(i)).substr(0, 19);
  return fmt::format(
      R"({{"cnt":{},"type":"FLOW","export_sysid":1,"first":"{}.123","last":"{}.456","received":"{}.789","in_packets":{},)"
      R"("in_bytes":{},"proto":6,"tcp_flags":"...AP.SF","src_port":{},"dst_port":{},"fwd_status":0,"src_tos":0,)"
      R"("src4_addr":"{}","dst4_addr":"{}","input_snmp":1,"output_snmp":2,"src_mask":24,"dst_mask":16,"src_as":{},)"
      R"("dst_as":{},"sampled":0}})",
      i, t, t, t, 1 + r.below(100), 40 + r.below(100000), port(r), port(r), v4(r), v4(r), r.below(65000),
      r.below(65000));
}

std::string own_row(base::Random& r, size_t i) {
  flow::Flow f;
  f.start_ms = time_of(i);
  f.end_ms = f.received_ms = f.start_ms + 1500;
  f.src = base::IpAddr::v4(static_cast<uint32_t>(r.next()));
  f.dst = base::IpAddr::v4(static_cast<uint32_t>(r.next()));
  f.src_port = static_cast<uint16_t>(port(r));
  f.dst_port = static_cast<uint16_t>(port(r));
  f.protocol = flow::kTcp;
  f.tcp_flags = flow::kSyn | flow::kAck;
  f.packets = 1 + r.below(100);
  f.bytes = 40 + r.below(100000);
  f.known = flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts | flow::kKnownProtocol |
            flow::kKnownTcpFlags | flow::kKnownDuration | flow::kKnownAddresses;
  std::string text;
  flow::append_json(text, f);
  return text;
}

std::vector<Case> cases() {
  return {{"zeek", zeek_row}, {"suricata", suricata_row}, {"nfdump", nfdump_row}, {"flows", own_row}};
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void write_rows(const Case& c, size_t rows, const std::string& path) {
  base::Random random(1);
  const auto sink = flow::open_sink(path);
  std::string text;
  for (size_t i = 0; i < rows; ++i) {
    text += c.row(random, i) + "\n";
    if (text.size() < (size_t{1} << 20) && i + 1 < rows) continue;
    sink->write(text);
    text.clear();
  }
  sink->close();
}

// CPU seconds and flows; the best of kRepeats.
std::pair<double, size_t> read_flows(const std::string& path, size_t rows) {
  double best = 1e9;
  size_t flows = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const double start = cpu_seconds();
    flow::InputOptions options;
    options.paths = {path};
    const auto source = flow::open_flows(options);
    std::vector<flow::Flow> batch(1024);
    flows = 0;
    while (const size_t n = source->read(batch)) flows += n;
    best = std::min(best, cpu_seconds() - start);
    if (source->ledgers().at(0).out != rows) {
      fmt::print(stderr, "bench_json: {} of {} rows were read\n", source->ledgers().at(0).out, rows);
      std::exit(1);
    }
  }
  return {best, flows};
}

// CPU seconds of orjson, the best of kRepeats; 0: there is none.
double read_with_orjson(const std::string& python, const std::string& path) {
  const std::string command = fmt::format(
      "{} -c '\n"
      "import orjson, sys, time\n"
      "best = 1e9\n"
      "for _ in range({}):\n"
      "    start = time.process_time()\n"
      "    with open(sys.argv[1], \"rb\") as f:\n"
      "        for line in f: orjson.loads(line)\n"
      "    best = min(best, time.process_time() - start)\n"
      "print(best)' {} 2>/dev/null",
      python, kRepeats, path);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return 0;
  double seconds = 0;
  if (std::fscanf(pipe, "%lf", &seconds) != 1) seconds = 0;
  ::pclose(pipe);
  return seconds;
}

void run(const Case& c, size_t rows, const std::string& python, const std::filesystem::path& folder) {
  const std::string path = (folder / (c.name + ".json")).string();
  write_rows(c, rows, path);
  const auto [ours, flows] = read_flows(path, rows);
  const double theirs = read_with_orjson(python, path);
  const double bytes = static_cast<double>(std::filesystem::file_size(path));
  const double n = static_cast<double>(rows);
  fmt::print("{:10} {:6.0f} {:9.2f} {:9.2f} {:8.0f} ", c.name, bytes / n, n / ours / 1e6,
             static_cast<double>(flows) / ours / 1e6, bytes / ours / 1e6);
  if (theirs > 0) {
    fmt::print("{:10.2f} {:7.1f}\n", n / theirs / 1e6, theirs / ours);
  } else {
    fmt::print("{:>10} {:>7}\n", "none", "");
  }
  std::filesystem::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() >= 2 && args[0] == "--write") {
    const size_t rows = args.size() > 2 ? std::strtoul(args[2].c_str(), nullptr, 10) : 300000;
    for (const auto& c : cases()) write_rows(c, rows, args[1] + "/" + c.name + ".json");
    return 0;
  }
  const size_t rows = args.empty() ? 300000 : std::strtoul(args[0].c_str(), nullptr, 10);
  const std::string python = args.size() > 1 ? args[1] : "python3";
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("nfg_bench_json_{}", ::getpid());
  std::filesystem::create_directories(folder);
  fmt::print(
      "{} objects a dialect, CPU time, best of {}, one thread\n{:10} {:>6} {:>9} {:>9} {:>8} {:>10} {:>7}\n",
      rows, kRepeats, "dialect", "B/row", "M rows/s", "M flows/s", "MB/s", "orjson", "ratio");
  for (const auto& c : cases()) run(c, rows, python, folder);
  std::filesystem::remove_all(folder);
  return 0;
}
