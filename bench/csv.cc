// Text readers: rows per CPU second of each dialect, from files in the page cache, and the ratio to the plain
// way (std::getline, a vector of strings, std::stod of the numbers) over the same file in the same run. The plain way
// does less: it reads no times and no addresses, and makes no flows.
//
//   bench_csv [rows]        default 500000
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/ip.h"
#include "base/random.h"
#include "base/time.h"
#include "flow/input_options.h"
#include "flow/io/byte_sink.h"
#include "flow/open.h"
#include "flow/record.h"

namespace {

using namespace netflowgen;

constexpr int kRepeats = 3;

struct Case {
  std::string name;
  std::string header;
  char separator = ',';
  std::function<std::string(base::Random&, size_t)> row;
  std::vector<size_t> numbers;  // columns that the plain way reads
  std::string map;              // a column map, for the dialect generic
};

std::string v4(base::Random& r) { return base::IpAddr::v4(static_cast<uint32_t>(r.next())).to_string(); }
std::string local_time(size_t i) {
  std::string t = base::format_time(1700000000000 + static_cast<base::TimeMs>(i) * 10 / 1000 * 1000);
  t[10] = ' ';
  return t.substr(0, 19);
}
uint64_t port(base::Random& r) { return r.chance(0.5) ? 443 : 1024 + r.below(60000); }
std::string repeated(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

std::string nfdump_row(base::Random& r, size_t i) {
  const auto t = local_time(i);
  return fmt::format(
      "{},{},{}.{:03},{},{},{},{},{},...AP.SF,0,0,{},{},0,0,{},{},{},{},24,16,0,0,0.0.0.0,0.0.0.0,0,0{}{},   "
      " 0.000,    "
      "0.000,    0.000,127.0.0.1,0/0,1,{}.250",
      t, t, r.below(60), r.below(1000), v4(r), v4(r), port(r), port(r), r.chance(0.7) ? "TCP" : "UDP",
      1 + r.below(1000), 40 + r.below(1000000), r.below(500), r.below(500), r.below(70000), r.below(70000),
      repeated(",00:00:00:00:00:00", 4), repeated(",0-0-0", 10), t);
}

std::string zeek_row(base::Random& r, size_t i) {
  return fmt::format(
      "{}.{:06}\tC{:017x}\t{}\t{}\t{}\t{}\ttcp\tssl\t{}.{:06}\t{}\t{}\tSF\tT\tF\t0\tShADadFf\t{}\t{}\t{}\t{}"
      "\t-",
      1700000000 + i / 100, r.below(1000000), r.next() >> 8, v4(r), port(r), v4(r), port(r), r.below(60),
      r.below(1000000), r.below(100000), r.below(1000000), 1 + r.below(1000), 40 + r.below(1000000),
      1 + r.below(1000), 40 + r.below(1000000));
}

std::string cic_row(base::Random& r, size_t i) {
  return fmt::format("{}-{}-1-2-6,{},{},{},{},6,{}/7/2017 {}:{:02},{},{},{},{}.0,{}.0{}", v4(r), v4(r), v4(r),
                     port(r), v4(r), port(r), 3 + i % 5, 8 + i % 5, i % 60, r.below(120000000),
                     1 + r.below(100), r.below(100), r.below(100000), r.below(100000),
                     repeated(",12.34567", 72));
}

std::string cic_header() {
  std::string names =
      "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration,"
      " Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets";
  for (int i = 0; i < 72; ++i) names += fmt::format(", Feature {}", i);
  return names;
}

std::string binetflow_row(base::Random& r, size_t i) {
  const uint64_t bytes = 60 + r.below(1000000);
  std::string t = local_time(i);
  t[4] = t[7] = '/';
  return fmt::format("{}.{:06},{}.{:06},tcp,{},{},   ->,{},{},FSPA_FSPA,0,0,{},{},{},flow=Background", t,
                     r.below(1000000), r.below(3600), r.below(1000000), v4(r), port(r), v4(r), port(r),
                     1 + r.below(1000), bytes, r.below(bytes + 1));
}

std::string nf_row(base::Random& r, size_t i) {
  const uint64_t start = 1424242193040 + i * 10;
  return fmt::format("{},{},{},{},{},{},6,7.0,{},{},{},{},27,27,27,{}{},0,Benign", start,
                     start + r.below(60000), v4(r), port(r), v4(r), port(r), r.below(100000),
                     1 + r.below(100), r.below(100000), 1 + r.below(100), r.below(60000),
                     repeated(",123", 30));
}

std::string nf_header() {
  std::string names =
      "FLOW_START_MILLISECONDS,FLOW_END_MILLISECONDS,IPV4_SRC_ADDR,L4_SRC_PORT,IPV4_DST_ADDR,L4_DST_PORT,"
      "PROTOCOL,"
      "L7_PROTO,IN_BYTES,IN_PKTS,OUT_BYTES,OUT_PKTS,TCP_FLAGS,CLIENT_TCP_FLAGS,SERVER_TCP_FLAGS,"
      "FLOW_DURATION_MILLISECONDS";
  for (int i = 0; i < 30; ++i) names += fmt::format(",F{}", i);
  return names + ",Label,Attack";
}

std::string unsw_row(base::Random& r, size_t i) {
  const uint64_t start = 1421927414 + i / 100;
  return fmt::format(
      "{},{},{},{},tcp,FIN,{}.{:06},{},{},31,29,0,0,dns,500473.9375,621800.9375,{},{},0,0,0,0,66,82,0,0,0,0,"
      "{},{},0.017,0.013{},,0",
      v4(r), port(r), v4(r), port(r), r.below(60), r.below(1000000), r.below(100000), r.below(100000),
      1 + r.below(100), r.below(100), start, start + 1, repeated(",1", 15));
}

std::vector<Case> cases() {
  const auto flows_row = [](base::Random& r, size_t i) {
    const auto t = base::format_time(1700000000000 + static_cast<base::TimeMs>(i) * 10);
    return fmt::format("{},{},{},{},{},{},tcp,SPA,{},{}", t, t, v4(r), v4(r), port(r), port(r),
                       1 + r.below(1000), 40 + r.below(1000000));
  };
  const auto ugr_row = [](base::Random& r, size_t i) {
    return fmt::format("{},{}.{:03},{},{},{},{},UDP,.A....,0,0,{},{},background", local_time(i), r.below(60),
                       r.below(1000), v4(r), v4(r), port(r), port(r), 1 + r.below(1000),
                       40 + r.below(1000000));
  };
  const auto cidds_row = [](base::Random& r, size_t i) {
    return fmt::format(
        "{}.632,    0.{:03},TCP  ,{},{:5},{},{:6},{:8},{:8},    1,.AP...,   0,normal,---,---,---",
        local_time(i), r.below(1000), v4(r), port(r), v4(r), port(r), 1 + r.below(1000),
        40 + r.below(1000000));
  };
  const auto pair_row = [](base::Random& r, size_t i) {
    return fmt::format("172.016.{:03}.{:03},192.168.{:03}.{:03},06/{:02}/1998-{:02}:{:02},-", r.below(256),
                       r.below(256), r.below(256), r.below(256), 1 + i / 20000 % 28, i / 60 % 24, i % 60);
  };
  return {
      {"flows",
       "start,end,src,dst,src_port,dst_port,protocol,tcp_flags,packets,bytes",
       ',',
       flows_row,
       {4, 5, 8, 9},
       ""},
      {"nfdump",
       "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,"
       "dvln,ismc,"
       "odmc,idmc,osmc,mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr",
       ',',
       nfdump_row,
       {2, 5, 6, 11, 12, 13, 14, 15, 16, 17, 18},
       ""},
      {"zeek",
       "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_"
       "bytes\tresp_bytes\t"
       "conn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_"
       "ip_bytes\t"
       "tunnel_parents",
       '\t',
       zeek_row,
       {0, 3, 5, 8, 16, 17, 18, 19},
       ""},
      {"binetflow",
       "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label",
       ',',
       binetflow_row,
       {1, 4, 7, 11, 12, 13},
       ""},
      {"ugr16", "", ',', ugr_row, {1, 4, 5, 10, 11}, ""},
      {"cidds",
       "Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst "
       "Pt,Packets,Bytes,Flows,Flags,Tos,class,"
       "attackType,attackID,attackDescription",
       ',',
       cidds_row,
       {1, 4, 6, 7, 8},
       ""},
      {"cicflowmeter", cic_header(), ',', cic_row, {2, 4, 7, 8, 9, 10, 11}, ""},
      {"unsw", "", ',', unsw_row, {1, 3, 6, 7, 8, 16, 17, 28, 29}, ""},
      {"nf", nf_header(), ',', nf_row, {0, 1, 3, 5, 8, 9, 10, 11, 15}, ""},
      {"generic",
       "",
       ',',
       pair_row,
       {},
       "header: false\ncolumns: 4\nfields:\n  src: 0\n  dst: 1\n  start: {column: 2, format: "
       "\"%m/%d/%Y-%H:%M\"}\n"},
  };
}

// CPU time, so that a busy machine does not change the figures much; the best of a few.
double seconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const double start = now();
    work();
    best = std::min(best, now() - start);
  }
  return best;
}

// The plain way; returns a sum so that nothing is optimised away.
double read_plainly(const std::string& path, const Case& c) {
  std::ifstream in(path);
  std::string line;
  double sum = 0;
  bool first = !c.header.empty();
  while (std::getline(in, line)) {
    if (first) {
      first = false;
      continue;
    }
    std::vector<std::string> cells;
    size_t at = 0;
    while (true) {
      const size_t end = line.find(c.separator, at);
      cells.push_back(line.substr(at, end - at));
      if (end == std::string::npos) break;
      at = end + 1;
    }
    for (const size_t column : c.numbers) sum += std::stod(cells[column]);
  }
  return sum;
}

size_t read_flows(const flow::InputOptions& options, size_t rows) {
  const auto source = flow::open_flows(options);
  std::vector<flow::Flow> batch(1024);
  size_t flows = 0;
  while (const size_t n = source->read(batch)) flows += n;
  if (source->ledgers().at(0).out != rows) {
    fmt::print(stderr, "bench_csv: {} of {} rows were read\n", source->ledgers().at(0).out, rows);
    std::exit(1);
  }
  return flows;
}

void run(const Case& c, size_t rows, const std::filesystem::path& folder) {
  base::Random random(1);
  flow::InputOptions options;
  options.paths = {(folder / (c.name + ".csv")).string()};
  const auto packed = (folder / (c.name + ".csv.zst")).string();
  const auto plain = flow::open_sink(options.paths[0]);
  const auto zstd = flow::open_sink(packed);
  std::string text = c.header.empty() ? "" : c.header + "\n";
  for (size_t i = 0; i < rows; ++i) {
    text += c.row(random, i) + "\n";
    if (text.size() < (size_t{1} << 20) && i + 1 < rows) continue;
    plain->write(text);
    zstd->write(text);
    text.clear();
  }
  plain->close();
  zstd->close();
  if (!c.map.empty()) {
    options.map = (folder / "map.yaml").string();
    base::write_file(options.map, c.map);
  }
  size_t flows = 0;
  const double ours = seconds([&] { flows = read_flows(options, rows); });
  volatile double keep = 0;
  const double theirs = seconds([&] { keep = read_plainly(options.paths[0], c); });
  const double bytes = static_cast<double>(std::filesystem::file_size(options.paths[0]));
  options.paths = {packed};
  const double unpacking = seconds([&] { read_flows(options, rows); });
  const double n = static_cast<double>(rows);
  fmt::print("{:13} {:6.0f} {:8.2f} {:8.0f} {:12.2f} {:11.2f} {:7.1f}\n", c.name, bytes / n, n / ours / 1e6,
             bytes / ours / 1e6, n / unpacking / 1e6, n / theirs / 1e6, theirs / ours);
  std::filesystem::remove(packed);
  std::filesystem::remove(folder / (c.name + ".csv"));
}

}  // namespace

int main(int argc, char** argv) {
  const size_t rows = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 500000;
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("nfg_bench_csv_{}", ::getpid());
  std::filesystem::create_directories(folder);
  fmt::print(
      "{} rows a dialect, CPU time, best of {}, one thread\n{:13} {:>6} {:>8} {:>8} {:>12} {:>11} {:>7}\n",
      rows, kRepeats, "dialect", "B/row", "M rows/s", "MB/s", "from zstd", "plain way", "ratio");
  for (const auto& c : cases()) run(c, rows, folder);
  std::filesystem::remove_all(folder);
  return 0;
}
