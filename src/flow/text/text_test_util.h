// Shared by the tests of text inputs: a scratch folder, and a source read to its end as short lines of text.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/ledger.h"
#include "base/time.h"
#include "flow/open.h"

namespace netflowgen::flow {

class ScratchFolder {
 public:
  ScratchFolder() { std::filesystem::create_directories(dir_); }
  ~ScratchFolder() { std::filesystem::remove_all(dir_); }
  std::string write(const std::string& name, std::string_view text) const {
    const auto path = dir_ / name;
    std::filesystem::create_directories(path.parent_path());
    base::write_file(path, text);
    return path.string();
  }
  std::string path() const { return dir_.string(); }

 private:
  std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) / ("nfg_text_" + std::to_string(::getpid()));
};

// "1998-06-03T08:12:00Z+500 10.0.0.1:80>10.0.0.2:1024 6 SA 3p 180b": +500 is the duration in ms; what is not known
// is "-".
inline std::string brief(const Flow& f) {
  const auto number = [&](uint32_t group, uint64_t v, const char* unit) {
    return f.has(group) ? std::to_string(v) + unit : std::string("-");
  };
  const auto end = [&](const IpAddr& a, uint16_t port) {
    const std::string address = f.has(kKnownAddresses) ? a.to_string() : "-";
    return address + (f.has(kKnownPorts) ? ":" + std::to_string(port) : "");
  };
  std::string flags = f.has(kKnownTcpFlags) ? "" : "-";
  for (size_t i = 0; i < 8; ++i) {
    if ((f.tcp_flags >> i & 1) != 0) flags += "FSRPAUEC"[i];
  }
  return base::format_time(f.start_ms) +
         (f.has(kKnownDuration) ? "+" + std::to_string(f.end_ms - f.start_ms) : "") + " " +
         end(f.src, f.src_port) + ">" + end(f.dst, f.dst_port) + " " +
         number(kKnownProtocol, f.protocol, "") + " " + (flags.empty() ? "." : flags) + " " +
         number(kKnownPackets, f.packets, "p") + " " + number(kKnownBytes, f.bytes, "b") +
         (f.has(kKnownIcmp) ? fmt::format(" icmp {}.{}", f.icmp_type_code >> 8, f.icmp_type_code & 255) : "");
}

struct Read {
  std::vector<std::string> flows;
  std::vector<Flow> raw;
  base::LedgerView rows;
  std::vector<std::string> bad;  // "bad time x2 at 3"
  std::string error;             // what ended it; "" for the end of the input
  uint32_t known = 0;
};

inline Read read_flows(const InputOptions& options, size_t batch_size = 100) {
  Read result;
  std::unique_ptr<FlowSource> source;
  try {
    source = open_flows(options);
    std::vector<Flow> batch(batch_size);
    while (const size_t n = source->read(batch))
      result.raw.insert(result.raw.end(), batch.data(), batch.data() + n);
  } catch (const base::Error& e) {
    result.error = e.what();
  }
  for (const Flow& f : result.raw) result.flows.push_back(brief(f));
  if (!source) return result;
  result.rows = source->ledgers().at(0);
  result.known = source->known();
  for (const auto& b : source->bad_lines())
    result.bad.push_back(fmt::format("{} x{} at {}", b.reason, b.count, b.line));
  return result;
}

inline Read read_text(std::string_view text, InputOptions options = {}) {
  const ScratchFolder folder;
  options.paths = {folder.write("input", text)};
  return read_flows(options);
}

}  // namespace netflowgen::flow
