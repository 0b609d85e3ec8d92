// goflow2's protobuf, from memory: flows a CPU second beside Python's protobuf (protobuf_peer.py, in the same run) and goflow2's own type in Go
// (peers/goflow2, where GOFLOW2_PEER names its program), and beside a pass that only finds the fields (WireFields), which shows what the mapping costs.
// Usage: bench_protobuf [FLOWS]
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "flow/protobuf/framing.h"
#include "flow/protobuf/goflow2_test_builder.h"
#include "flow/settle.h"

namespace {

using namespace netflowgen;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// As goflow2 writes NetFlow v9 of a router: every field that such a record has, by its number.
std::string make_flows(size_t count) {
  std::string text;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t r = base::mix64(i);
    const uint64_t start = flow::goflow2::kBase + i * 1'000'000;
    const auto address = [](uint64_t x) { return base::IpAddr::v4(static_cast<uint32_t>(x)).to_string(); };
    flow::goflow2::Message m;
    m.number(1, 3).number(3, 1 + (r & 1023)).number(4, i).address(6, address(r)).address(7, address(r >> 32));
    m.number(9, (1 + (r & 63)) * 700).number(10, 1 + (r & 63)).address(11, "192.0.2.1");
    m.address(12, "192.0.2.254").number(14, r & 0xffff).number(15, r >> 16 & 0xffff);
    m.number(16, 24).number(17, 16).number(18, r & 63).number(19, r >> 8 & 63);
    m.number(20, 6).number(21, r & 0xffff).number(22, 443).number(25, 60).number(26, 27).number(30, 0x800);
    m.number(70, 1).number(71, 2).number(110, start + flow::goflow2::kSecond);
    m.number(111, start).number(112, start + 200'000'000);
    text += m.with_length();
  }
  return text;
}

struct Rate {
  double flows_per_second = 0;
  uint64_t bytes = 0;
};

template <typename Each>
Rate measure(base::Bytes all, Each each) {
  Rate best;
  for (int round = 0; round < 5; ++round) {
    uint64_t bytes = 0;
    size_t flows = 0;
    const double start = cpu_seconds();
    for (base::Bytes rest = all; !rest.empty(); ++flows) {
      const flow::Frame frame = flow::next_frame(rest, flow::Framing::kLength);
      bytes += each(frame.message);
      rest = rest.subspan(frame.size);
    }
    best.flows_per_second =
        std::max(best.flows_per_second, static_cast<double>(flows) / (cpu_seconds() - start));
    best.bytes = bytes;
  }
  return best;
}

// Flows a second as the command prints them, or 0 where it cannot.
Rate peer(const std::string& command) {
  Rate rate;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return rate;
  unsigned long long bytes = 0;
  if (std::fscanf(pipe, "%lf %llu", &rate.flows_per_second, &bytes) != 2) rate.flows_per_second = 0;
  rate.bytes = bytes;
  ::pclose(pipe);
  return rate;
}

// False: another sum.
bool compare(const char* name, const char* missing, const std::string& command, const Rate& ours) {
  const Rate theirs = peer(command);
  if (theirs.flows_per_second == 0) {
    fmt::print("{:<8}not measured: {}\n", name, missing);
    return true;
  }
  const bool same = theirs.bytes == ours.bytes;
  fmt::print("{:<8}{:8.2f} M flows/CPU second; ratio {:.1f}{}\n", name, theirs.flows_per_second / 1e6,
             ours.flows_per_second / theirs.flows_per_second, same ? "" : "; THE SUMS DIFFER");
  return same;
}

std::string variable(const char* name, const char* other) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : other;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300'000;
  const std::string text = make_flows(count);
  const auto all = flow::goflow2::bytes_of(text);
  flow::Goflow2Decoder decoder;
  flow::SettleCounts settled;
  flow::Flow f;
  const Rate ours = measure(all, [&](base::Bytes message) {
    if (decoder.decode(message, f) != flow::ProtobufDrop::kNone) return uint64_t{0};
    flow::settle(f, settled);
    return f.bytes;
  });
  flow::WireFields fields;
  const Rate wire = measure(
      all, [&](base::Bytes message) { return fields.parse(message) ? fields.number(9) : uint64_t{0}; });
  const auto file = (std::filesystem::temp_directory_path() / "netflowgen-bench-protobuf").string();
  base::write_file(file, text);
  fmt::print("{} flows, {} octets each\n", count, text.size() / count);
  fmt::print("decode  {:8.2f} M flows/CPU second\n", ours.flows_per_second / 1e6);
  fmt::print("fields  {:8.2f} M flows/CPU second\n", wire.flows_per_second / 1e6);
  const bool python =
      compare("python", "PYTHON names an interpreter with protobuf",
              fmt::format("{} bench/protobuf_peer.py {}", variable("PYTHON", "python3"), file), ours);
  const bool go = compare("goflow2", "GOFLOW2_PEER names the program of bench/peers/goflow2",
                          fmt::format("{} {}", variable("GOFLOW2_PEER", "false"), file), ours);
  std::filesystem::remove(file);
  return python && go && wire.bytes == ours.bytes ? 0 : 1;
}
