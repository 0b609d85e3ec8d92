// Generated flows through nfcapd and nfdump, and through us: flows, packets and bytes of every host, as destination
// and as source, must be equal to the unit. Exit 1 where they are not. tests/nfdump is the same in small.
//
//   bench_differential [flows [flows/s [hosts]]]      default 2000000 200000 100000
//
// Two ways of ours against nfdump's sums of what nfcapd wrote: our reading of that archive, and our decoding of the
// datagrams that nfcapd got. The time is nfdump's printing and our summing; it is no speed test.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "bench/nfdump.h"

namespace {

using namespace netflowgen;
namespace fs = base::fs;

int run(const std::vector<std::string>& arguments) {
  if (bench::find_program("nfcapd").empty() || bench::find_program("nfdump").empty()) {
    fmt::print("nfdump is not installed: not compared\n");
    return 0;
  }
  const auto argument = [&](size_t i, uint64_t standard) {
    return i < arguments.size() ? std::stoull(arguments[i]) : standard;
  };
  const bench::LoadOptions load{.flows = argument(0, 2'000'000),
                                .flows_per_second = static_cast<double>(argument(1, 200'000)),
                                .hosts = static_cast<uint32_t>(argument(2, 100'000)),
                                .pool_flows = 0};
  const fs::path folder = fs::temp_directory_path() / fmt::format("nfg_bench_differential_{}", getpid());
  const auto archive = bench::capture_with_nfcapd(folder, "-y", load, true);
  const auto theirs = bench::nfdump_sums(archive.file, (folder / "out.txt").string());
  const auto ours = bench::our_sums(archive.file);
  fmt::print("{} flows sent, {} in nfcapd's file, {} hosts as destination, {} as source\n",
             archive.sent.flows, theirs.flows(), theirs.to.size(), theirs.from.size());
  bool same = true;
  for (const auto& [name, sums] : {std::pair("archive", &ours), std::pair("datagrams", &archive.decoded)}) {
    const std::string difference = bench::first_difference(*sums, theirs);
    fmt::print("{}: {}\n", name, difference.empty() ? "equal to the unit" : difference);
    same = same && difference.empty();
  }
  fs::remove_all(folder);
  return same ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return run(std::vector<std::string>(argv + 1, argv + argc)); }
