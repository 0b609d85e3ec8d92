// Debian's nfdump beside us: an archive that nfcapd wrote from our datagrams, and sums per host of a file as
// nfdump gives them and as our reader does. For bench/differential.cc and tests/nfdump.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/peer.h"
#include "flow/decoder/decoder.h"
#include "flow/input_options.h"
#include "flow/open.h"
#include "flow/record.h"

namespace netflowgen::bench {

struct HostSums {
  struct Sum {
    uint64_t flows = 0;
    uint64_t packets = 0;
    uint64_t bytes = 0;
    bool operator==(const Sum&) const = default;
  };
  std::unordered_map<base::IpAddr, Sum> to;    // by destination
  std::unordered_map<base::IpAddr, Sum> from;  // by source

  void add(const flow::Flow& f) {
    for (Sum* s : {&to[f.dst], &from[f.src]}) {
      ++s->flows;
      s->packets += f.packets;
      s->bytes += f.bytes;
    }
  }
  uint64_t flows() const {
    uint64_t n = 0;
    for (const auto& [host, sum] : to) n += sum.flows;
    return n;
  }
};

// "": they agree; else the first host that does not.
inline std::string first_difference(const HostSums& ours, const HostSums& theirs) {
  for (const bool to : {true, false}) {
    const auto& a = to ? ours.to : ours.from;
    const auto& b = to ? theirs.to : theirs.from;
    for (const auto& [host, sum] : b) {
      const auto it = a.find(host);
      if (it != a.end() && it->second == sum) continue;
      const auto mine = it == a.end() ? HostSums::Sum{} : it->second;
      return fmt::format("{} {}: {} flows, {} packets, {} bytes; nfdump {}, {}, {}", to ? "to" : "from",
                         host.to_string(), mine.flows, mine.packets, mine.bytes, sum.flows, sum.packets,
                         sum.bytes);
    }
    if (a.size() != b.size()) return fmt::format("{} hosts; nfdump {}", a.size(), b.size());
  }
  return {};
}

inline HostSums our_sums(const std::string& file) {
  flow::InputOptions input;
  input.paths = {file};
  input.strict = true;
  const auto source = flow::open_flows(input);
  std::vector<flow::Flow> flows(1024);
  HostSums sums;
  while (const size_t n = source->read(flows)) {
    for (size_t i = 0; i < n; ++i) sums.add(flows[i]);
  }
  return sums;
}

// By nfdump -A. `scratch`: a file for its output, and the same with another ending.
inline HostSums nfdump_sums(const std::string& file, const std::string& scratch) {
  const std::string nfdump = find_program("nfdump");
  const std::string of_sources = scratch + ".src";
  Child to_hosts({nfdump, "-r", file, "-A", "dstip", "-N", "-q", "-6", "-o", "fmt:%da %fl %pkt %byt"},
                 scratch);
  Child from_hosts({nfdump, "-r", file, "-A", "srcip", "-N", "-q", "-6", "-o", "fmt:%sa %fl %pkt %byt"},
                   of_sources);
  HostSums sums;
  for (const bool to : {true, false}) {
    const int status = (to ? to_hosts : from_hosts).finish(0);
    if (status != 0) throw base::Error("nfdump ended with {}", status);
    std::ifstream in(to ? scratch : of_sources);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream cells(line);
      std::string host;
      HostSums::Sum sum;
      if (!(cells >> host >> sum.flows >> sum.packets >> sum.bytes)) continue;
      const auto address = base::IpAddr::parse(host);
      if (!address) throw base::Error("nfdump printed {}", line);
      (to ? sums.to : sums.from)[*address] = sum;
    }
  }
  return sums;
}

// Whether a program's help speaks of `word`.
inline bool offers(std::string_view program, std::string_view word) {
  const base::fs::path help = base::fs::temp_directory_path() / fmt::format("nfg_help_{}", getpid());
  Child({find_program(program), "-h"}, help.string()).finish(0);
  const bool found = base::read_file(help).find(word) != std::string::npos;
  base::fs::remove(help);
  return found;
}

struct Archive {
  std::string file;
  Sent sent;
  HostSums decoded;        // the same datagrams through our own decoder
  double cpu_seconds = 0;  // of nfcapd
};

// Lets nfcapd write what `load` sends to a file in `folder`. `compression`: its option, "" for none.
// `decode`: also decode the datagrams here, which costs time between two of them.
inline Archive capture_with_nfcapd(const base::fs::path& folder, const std::string& compression,
                                   const LoadOptions& load, bool decode) {
  base::fs::create_directories(folder);
  const uint16_t port = free_port();
  std::vector<std::string> command = {find_program("nfcapd"),
                                      "-w",
                                      folder.string(),
                                      "-p",
                                      std::to_string(port),
                                      "-b",
                                      "127.0.0.1",
                                      "-B",
                                      "200000000",
                                      "-t",
                                      "86400"};
  if (!compression.empty()) command.push_back(compression);
  Child nfcapd(command);
  if (!wait_for_listener(port)) throw base::Error("nfcapd does not listen on port {}", port);
  flow::Decoder decoder;
  std::vector<flow::Flow> flows;
  Archive archive;
  archive.sent = send_load(port, load, [&](std::string_view datagram, base::TimeMs now) {
    if (!decode) return;
    decoder.decode({.received_ms = now,
                    .source = base::IpAddr::v4(0x7f000001),
                    .source_port = 1,
                    .dst_port = port,
                    .payload = {reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size()}},
                   flows);
    for (const auto& f : flows) archive.decoded.add(f);
    flows.clear();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  nfcapd.finish(SIGTERM);
  archive.cpu_seconds = nfcapd.cpu_seconds();
  for (const auto& entry : base::fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("nfcapd.2")) archive.file = entry.path().string();
  }
  if (archive.file.empty()) throw base::Error("nfcapd wrote no file to {}", folder.string());
  return archive;
}

}  // namespace netflowgen::bench
