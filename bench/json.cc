// JSON lines: objects and flows per CPU second of each dialect, from files in the page cache, and the ratio to Python's
// orjson over the same file in the same run. "loads" makes a dict of every line and nothing else; "picked" also takes the
// values that a flow is made of out of it, as they stand (no time or address is parsed).
//
//   bench_json [rows [python [dialect]]]   default 300000, python3 (with orjson: pip install orjson), all
//   bench_json --write FOLDER [rows]       only writes the files
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "bench/json_rows.h"
#include "flow/input_options.h"
#include "flow/io/byte_sink.h"
#include "flow/open.h"
#include "flow/record.h"

namespace {

using namespace netflowgen;

constexpr int kRepeats = 5;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void write_rows(const bench::JsonCase& c, size_t rows, const std::string& path) {
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

// CPU seconds of orjson, the best of kRepeats: loads() alone, and with the values picked; 0: there is none.
std::pair<double, double> read_with_orjson(const std::string& python, const std::string& path,
                                           const std::string& picks) {
  const std::string script = path + ".py";
  base::write_file(script, fmt::format(R"(import orjson, sys, time
def loads():
    with open(sys.argv[1], "rb") as f:
        for line in f: orjson.loads(line)
def picked():
    with open(sys.argv[1], "rb") as f:
        for line in f:
            d = orjson.loads(line)
            values = ({})
for work in loads, picked:
    best = 1e9
    for _ in range({}):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    print(best)
)",
                                       picks, kRepeats));
  std::FILE* pipe = ::popen(fmt::format("{} {} {} 2>/dev/null", python, script, path).c_str(), "r");
  if (pipe == nullptr) return {0, 0};
  double loads = 0;
  double picked = 0;
  if (std::fscanf(pipe, "%lf %lf", &loads, &picked) != 2) loads = picked = 0;
  ::pclose(pipe);
  std::filesystem::remove(script);
  return {loads, picked};
}

void run(const bench::JsonCase& c, size_t rows, const std::string& python,
         const std::filesystem::path& folder) {
  const std::string path = (folder / (c.name + ".json")).string();
  write_rows(c, rows, path);
  const auto [ours, flows] = read_flows(path, rows * std::max<size_t>(c.flows_of_row, 1));
  const auto [loads, picked] = read_with_orjson(python, path, c.picks);
  const double bytes = static_cast<double>(std::filesystem::file_size(path));
  const double n = static_cast<double>(rows);
  fmt::print("{:10} {:6.0f} {:9.2f} {:9.2f} {:8.0f} ", c.name, bytes / n, n / ours / 1e6,
             static_cast<double>(flows) / ours / 1e6, bytes / ours / 1e6);
  if (loads > 0) {
    fmt::print("{:8.2f} {:6.1f} {:8.2f} {:6.1f}\n", n / loads / 1e6, loads / ours, n / picked / 1e6,
               picked / ours);
  } else {
    fmt::print("{:>8}\n", "none");
  }
  std::filesystem::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() >= 2 && args[0] == "--write") {
    const size_t rows = args.size() > 2 ? std::strtoul(args[2].c_str(), nullptr, 10) : 300000;
    for (const auto& c : bench::json_cases()) write_rows(c, rows, args[1] + "/" + c.name + ".json");
    return 0;
  }
  const size_t rows = args.empty() ? 300000 : std::strtoul(args[0].c_str(), nullptr, 10);
  const std::string python = args.size() > 1 ? args[1] : "python3";
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("nfg_bench_json_{}", ::getpid());
  std::filesystem::create_directories(folder);
  fmt::print(
      "{} objects a dialect, CPU time, best of {}, one thread; orjson in M rows/s\n"
      "{:10} {:>6} {:>9} {:>9} {:>8} {:>8} {:>6} {:>8} {:>6}\n",
      rows, kRepeats, "dialect", "B/row", "M rows/s", "M flows/s", "MB/s", "loads", "ratio", "picked",
      "ratio");
  for (const auto& c : bench::json_cases()) {
    if (args.size() < 3 || args[2] == c.name) run(c, rows, python, folder);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
