#include "reference.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "flow/io/byte_stream.h"

namespace netflowgen::conformance {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string gunzip(const fs::path& path) {
  const auto stream = flow::open_bytes(path.string());
  std::string text;
  std::vector<uint8_t> buffer(1 << 16);
  while (const size_t n = stream->read(buffer))
    text.append(buffer.begin(), buffer.begin() + static_cast<long>(n));
  return text;
}

// An sFlow interface: a number, or [format, value].
uint64_t value_of(const json& j) { return j.is_array() ? j.at(1).get<uint64_t>() : j.get<uint64_t>(); }

std::string sflow_line(const json& r) {
  const std::string kind = r.at("kind");
  if (kind == "counter") return fmt::format("sflow counter {}", r.value("subagent", 0u));
  std::string line =
      fmt::format("sflow {} agent {} sub {} seq {} in {} out {}", kind, r.at("agent").get<std::string>(),
                  r.at("subagent").get<uint32_t>(), r.at("seq").get<uint32_t>(), value_of(r.at("input")),
                  value_of(r.at("output")));
  if (kind == "flow") line += fmt::format(" rate {}", r.at("rate").get<uint32_t>());
  return line;
}

std::string template_line(const json& r) {
  std::string line = fmt::format("{} {} domain {} template {} scope {}", r.at("version").get<int>(),
                                 r.at("kind").get<std::string>(), r.at("domain").get<uint32_t>(),
                                 r.at("template").get<int>(), r.at("scope").get<int>());
  for (const auto& f : r.at("fields")) {
    line += fmt::format(" {}/{}={}", f[0].get<uint32_t>(), f[1].get<uint32_t>(), f[2].get<std::string>());
  }
  return line;
}

std::string line_of(const json& r) {
  const auto& version = r.at("version");
  std::string line = r.at("exporter").get<std::string>() + " ";
  if (version.is_string()) return line + sflow_line(r);
  const int v = version.get<int>();
  if (v >= 9) return line + template_line(r);
  return line + fmt::format("{} raw {}", v, r.at("raw").get<std::string>());
}

}  // namespace

std::string hex(const uint8_t* data, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += fmt::format("{:02x}", data[i]);
  return out;
}

std::vector<ReferenceRecord> load_reference(const fs::path& path) {
  std::vector<ReferenceRecord> out;
  std::istringstream lines(gunzip(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const json r = json::parse(line);
    out.push_back({line_of(r), r.value("replayed", false)});
  }
  return out;
}

std::vector<Case> load_cases(const fs::path& root) {
  std::vector<Case> cases;
  for (const auto& c : json::parse(base::read_file(root / "manifest.json"))) {
    const auto& e = c.at("expected");
    const auto n = [&](const char* name) { return e.at(name).get<uint64_t>(); };
    Expected held{n("flows_if_buffered"), n("option_records_if_buffered"), n("templates"),
                  n("options_templates"), n("withdrawals")};
    Expected dropped = held;
    dropped.flows = n("flows");
    dropped.option_records = n("option_records");
    cases.push_back({c.at("id"), root / c.at("replay_pcap").get<std::string>(),
                     root / c.at("ref").get<std::string>(), held, dropped});
  }
  return cases;
}

}  // namespace netflowgen::conformance
