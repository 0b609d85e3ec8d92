// Decoding alone: flows per CPU second on one core from a capture in the page cache, for every protocol, beside
// the reference reader of the RFC text over the same datagrams in the same run, and beside reading the capture
// alone, which says how much of the time is not decoding.
//
//   bench_decode [flows [v5|v9|ipfix|sflow]]        default 2000000, all
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

#include "bench/wire.h"
#include "flow/capture/pcap_reader.h"
#include "flow/capture/udp_extract.h"
#include "flow/datagram.h"
#include "flow/decode_options.h"
#include "flow/decoder/decoder.h"
#include "flow/filter/dedup.h"
#include "flow/io/byte_input.h"
#include "flow/live/datagram_receiver.h"
#include "flow/record.h"

namespace {

using namespace netflowgen;

constexpr int kRepeats = 5;
constexpr base::TimeMs kStart = 1'700'000'000'000;
constexpr uint32_t kHosts = 100'000;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// A capture of `flows` flows, templates in every 64th datagram.
std::string make_capture(bench::Wire wire, size_t flows) {
  bench::Traffic traffic(kHosts);
  bench::Exporter exporter(wire);
  bench::Octets pcap;
  const auto little = [](uint32_t v) { return uint64_t{__builtin_bswap32(v)}; };
  pcap.u32(little(0xa1b2c3d4)).u32(little(2 | 4 << 16)).u32(0).u32(0).u32(little(65535)).u32(little(101));
  std::string text = pcap.text();
  std::vector<bench::WireFlow> batch(exporter.flows_per_datagram());
  for (size_t done = 0, datagram = 0; done < flows; done += batch.size(), ++datagram) {
    for (auto& f : batch) f = traffic.next();
    const base::TimeMs now = kStart + static_cast<base::TimeMs>(done / 1000);  // 1 M flows a second
    const std::string& payload = exporter.encode(batch, now, datagram % 64 == 0);
    const size_t length = 28 + payload.size();
    pcap.clear();
    pcap.u32(little(static_cast<uint32_t>(now / 1000))).u32(little(static_cast<uint32_t>(now % 1000 * 1000)));
    pcap.u32(little(static_cast<uint32_t>(length))).u32(little(static_cast<uint32_t>(length)));
    pcap.u8(0x45).u8(0).u16(length).u32(0).u8(64).u8(17).u16(0).u32(0xc0000201).u32(0xc00002fe);
    pcap.u16(40000).u16(2055).u16(8 + payload.size()).u16(0);
    text += pcap.text() + payload;
  }
  return text;
}

// Every UDP payload of the capture.
size_t each_datagram(const base::fs::path& path, const std::function<void(const flow::Datagram&)>& use) {
  const auto input = flow::map_input(path);
  flow::PcapReader reader;
  if (const std::string problem = reader.begin(*input); !problem.empty()) throw base::Error("{}", problem);
  flow::UdpExtractor extractor;
  flow::Packet packet;
  flow::Datagram datagram;
  size_t n = 0;
  while (reader.read(packet)) {
    if (!extractor.extract(packet, datagram)) continue;
    ++n;
    use(datagram);
  }
  return n;
}

struct Sums {
  uint64_t flows = 0;
  uint64_t bytes = 0;
  bool operator==(const Sums&) const = default;
};

Sums decode(const base::fs::path& path, bool reference) {
  flow::DecodeOptions options;
  options.reference = reference;
  flow::Decoder decoder(options);
  std::vector<flow::Flow> flows;
  Sums sums;
  const auto take = [&] {
    for (const auto& f : flows) sums.bytes += f.bytes;
    sums.flows += flows.size();
    flows.clear();
  };
  each_datagram(path, [&](const flow::Datagram& d) {
    decoder.decode(d, flows);
    if (flows.size() >= 256) take();
  });
  take();
  return sums;
}

double median_seconds(const std::function<void()>& run) {
  std::vector<double> seconds;
  for (int i = 0; i < kRepeats; ++i) {
    const double before = cpu_seconds();
    run();
    seconds.push_back(cpu_seconds() - before);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[kRepeats / 2];
}

void measure(bench::Wire wire, size_t flows) {
  const auto path = base::fs::temp_directory_path() / fmt::format("nfg_bench_decode_{}.pcap", getpid());
  base::write_file(path, make_capture(wire, flows));
  Sums sums;
  const double decoding = median_seconds([&] { sums = decode(path, false); });
  const double capture = median_seconds([&] { each_datagram(path, [](const flow::Datagram&) {}); });
  const double rate = static_cast<double>(sums.flows) / 1e6 / decoding;
  fmt::print("{:6}{:8.2f} M flows/s, {:4.1f} % of it reading the capture", name_of(wire), rate,
             100 * capture / decoding);
  if (wire == bench::Wire::kV9 || wire == bench::Wire::kIpfix) {  // the others have no templates
    base::write_file(path, make_capture(wire, flows / 10));
    Sums reference;
    const double slow = median_seconds([&] { reference = decode(path, true); });
    if (reference != decode(path, false))
      throw base::Error("{}: plan and reference reader differ", name_of(wire));
    const double slow_rate = static_cast<double>(reference.flows) / 1e6 / slow;
    fmt::print("; reference reader {:.2f} M/s, ratio {:.1f}", slow_rate, rate / slow_rate);
  }
  fmt::print("\n");
  std::fflush(stdout);
  base::fs::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t flows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  const std::string_view only = argc > 2 ? argv[2] : "";
  fmt::print("decoding from a capture in the page cache, per CPU second, medians of {}\n", kRepeats);
  for (const auto wire : bench::kWires) {
    if (only.empty() || only == name_of(wire)) measure(wire, flows);
  }
  return 0;
}
