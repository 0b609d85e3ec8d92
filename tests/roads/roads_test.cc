// Law: what a node did in a step does not depend on the road by which its flows came. The same flows are written as
// NetFlow v5, v9, IPFIX, sFlow, nfcapd files of both layouts, our own CSV, nfdump's CSV and a text file with a column
// map, each as its exporters and tools write them, and every reader's frames are equal: to the bit, and missing where
// the others' are missing.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "base/time.h"
#include "flow/decoder/decoder.h"
#include "flow/decoder/wire_test_builder.h"
#include "flow/nfcapd/record_layout2.h"
#include "flow/nfcapd/test_writer.h"
#include "flow/open.h"
#include "flow/write/csv_writer.h"
#include "flow/write/json_writer.h"
#include "series/builder.h"

namespace netflowgen {
namespace {

namespace fs = std::filesystem;
using namespace flow::wire;
using flow::be;
using flow::Flow;
using series::kFeatureCount;
using Flows = std::vector<Flow>;
using Frames = std::map<std::pair<std::string, int64_t>, std::array<float, kFeatureCount>>;

constexpr base::TimeMs kExport = 1'700'000'300'000;
constexpr base::TimeMs kFirst = kExport - 240'000;

class Collect : public series::FrameSink {
 public:
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> values) override {
    std::copy_n(values.begin(), kFeatureCount, frames[{series::name_of(node), step}].begin());
  }
  Frames frames;
};

Frames frames_of(const Flows& flows) {
  Collect sink;
  series::SeriesBuilder builder({.lateness_ms = 600'000}, sink);
  builder.add(flows);
  builder.finish();
  return sink.frames;
}

void expect_same(const Frames& got, const Frames& want, const std::string& road, bool durations = true) {
  ASSERT_EQ(got.size(), want.size()) << road;
  int shown = 0;
  for (const auto& [key, frame] : want) {
    const auto it = got.find(key);
    ASSERT_NE(it, got.end()) << road << " lacks " << key.first;
    for (size_t f = 0; f < kFeatureCount && shown < 20; ++f) {
      if (!durations && (f == series::kDurationIn || f == series::kDurationOut)) continue;
      const bool same = std::memcmp(&it->second[f], &frame[f], sizeof(float)) == 0 ||
                        (std::isnan(it->second[f]) && std::isnan(frame[f]));
      if (!same) ++shown;
      EXPECT_TRUE(same) << road << ", " << key.first << ", " << series::kFeatures[f].name << ": "
                        << it->second[f] << " for " << frame[f];
    }
  }
}

// What an exporter that meters IPv4 sees, as plain facts: ports where the protocol has them, a type for ICMP, flags for
// TCP, 0 where there is none.
Flow fact(base::Random& random, bool packet) {
  Flow f;
  constexpr uint8_t kProtocols[] = {6, 6, 6, 17, 17, 1, 47, 50};
  f.protocol = kProtocols[random.below(8)];
  f.src = base::IpAddr::v4(0x0a000000u + static_cast<uint32_t>(random.below(12)));
  f.dst = base::IpAddr::v4(0x0a000000u + static_cast<uint32_t>(random.below(12)));
  const bool ports = f.protocol == 6 || f.protocol == 17;
  f.fragment = ports && random.chance(0.1) ? 1 : 0;
  if (ports && f.fragment == 0) {
    constexpr uint16_t kServices[] = {53, 123, 443, 80, 11211};
    f.src_port =
        random.chance(0.4) ? kServices[random.below(5)] : static_cast<uint16_t>(1024 + random.below(60'000));
    f.dst_port =
        random.chance(0.5) ? kServices[random.below(5)] : static_cast<uint16_t>(1024 + random.below(60'000));
  }
  if (f.protocol == 1) f.icmp_type_code = random.chance(0.5) ? 0x0800 : 0x0303;
  if (f.protocol == 6 && f.fragment == 0) f.tcp_flags = static_cast<uint8_t>(random.below(64));
  f.packets = packet ? 1 : 1 + random.below(40);
  f.bytes = f.packets * (60 + random.below(1200));
  f.start_ms = kFirst + static_cast<base::TimeMs>(random.below(170'000));
  f.end_ms = packet ? f.start_ms : f.start_ms + static_cast<base::TimeMs>(random.below(50'000));
  return f;
}

Flows facts(uint64_t seed, size_t n, bool packets = false) {
  base::Random random(seed);
  Flows flows;
  for (size_t i = 0; i < n; ++i) flows.push_back(fact(random, packets));
  return flows;
}

bool has_ports(const Flow& f) { return f.protocol == 6 || f.protocol == 17; }
uint64_t v4(const base::IpAddr& a) { return a.v4_host_order(); }

// Decodes messages, each received at its time.
class Wire {
 public:
  void feed(const Octets& payload, base::TimeMs received_ms = kExport) {
    flow::Datagram d;
    d.received_ms = received_ms;
    d.source = *base::IpAddr::parse("192.0.2.254");
    d.payload = {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
    decoder_.decode(d, flows);
  }
  Flows flows;

 private:
  flow::Decoder decoder_;
};

constexpr uint32_t kUptime = 10'000'000;
uint64_t uptime_of(base::TimeMs t) { return static_cast<uint64_t>(kUptime - (kExport - t)); }

// Routers put ICMP's type and code into the destination port, and have no way to leave a field out.
uint64_t legacy_dst_port(const Flow& f) { return f.protocol == 1 ? f.icmp_type_code : f.dst_port; }

Flows by_v5(const Flows& facts) {
  Wire wire;
  for (const Flow& f : facts) {
    wire.feed(be(5, 2) + be(1, 2) + be(kUptime, 4) + be(kExport / 1000, 4) + be(0, 4) + be(0, 4) + be(0, 4) +
              be(v4(f.src), 4) + be(v4(f.dst), 4) + be(0, 4) + be(1, 2) + be(2, 2) + be(f.packets, 4) +
              be(f.bytes, 4) + be(uptime_of(f.start_ms), 4) + be(uptime_of(f.end_ms), 4) + be(f.src_port, 2) +
              be(legacy_dst_port(f), 2) + be(0, 1) + be(f.tcp_flags, 1) + be(f.protocol, 1) + be(0, 1) +
              be(0, 2) + be(0, 2) + be(0, 1) + be(0, 1) + be(0, 2));
  }
  return wire.flows;
}

Flows by_v9(const Flows& facts) {
  Wire wire;
  const Head head{.seconds = kExport / 1000, .uptime_ms = kUptime};
  wire.feed(v9::message(
      head, {v9::templates(
                256, {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {6, 1}, {2, 4}, {1, 4}, {22, 4}, {21, 4}})}));
  for (const Flow& f : facts) {
    wire.feed(v9::message(
        head, {set(256, be(v4(f.src), 4) + be(v4(f.dst), 4) + be(f.src_port, 2) + be(legacy_dst_port(f), 2) +
                            be(f.protocol, 1) + be(f.tcp_flags, 1) + be(f.packets, 4) + be(f.bytes, 4) +
                            be(uptime_of(f.start_ms), 4) + be(uptime_of(f.end_ms), 4))}));
  }
  return wire.flows;
}

// A template for each kind of protocol, as YAF and softflowd have them: no ports for ICMP, no flags for UDP.
Flows by_ipfix(const Flows& facts) {
  Wire wire;
  const Head head{.seconds = kExport / 1000};
  const Fields common = {{8, 4}, {12, 4}, {4, 1}, {2, 8}, {1, 8}, {152, 8}, {153, 8}};
  const auto with = [&](Fields more) {
    more.insert(more.begin(), common.begin(), common.end());
    return more;
  };
  wire.feed(ipfix::message(head, {ipfix::templates(256, with({{7, 2}, {11, 2}, {6, 1}, {88, 2}})),
                                  ipfix::templates(257, with({{7, 2}, {11, 2}, {88, 2}})),
                                  ipfix::templates(258, with({{32, 2}})), ipfix::templates(259, common)}));
  for (const Flow& f : facts) {
    const Octets record = be(v4(f.src), 4) + be(v4(f.dst), 4) + be(f.protocol, 1) + be(f.packets, 8) +
                          be(f.bytes, 8) + be(static_cast<uint64_t>(f.start_ms), 8) +
                          be(static_cast<uint64_t>(f.end_ms), 8);
    const Octets ports = be(f.src_port, 2) + be(f.dst_port, 2);
    const Octets offset = be(f.fragment != 0 ? 185 : 0, 2);
    Octets data = set(259, record);
    if (f.protocol == 6) data = set(256, record + ports + be(f.tcp_flags, 1) + offset);
    if (f.protocol == 17) data = set(257, record + ports + offset);
    if (f.protocol == 1) data = set(258, record + be(f.icmp_type_code, 2));
    wire.feed(ipfix::message(head, {data}));
  }
  return wire.flows;
}

class Scratch {
 public:
  Scratch() { fs::create_directories(dir_); }
  ~Scratch() { fs::remove_all(dir_); }
  std::string write(const std::string& name, const std::string& text) const {
    base::write_file(dir_ / name, text);
    return (dir_ / name).string();
  }

 private:
  fs::path dir_ = fs::path(testing::TempDir()) / fmt::format("nfg_roads_{}", ::getpid());
};

Flows read_file(const std::string& path, const std::string& map = {}) {
  flow::InputOptions options;
  options.paths = {path};
  options.map = map;
  options.strict = true;
  const auto source = flow::open_flows(options);
  Flows flows;
  std::array<Flow, 97> batch;
  while (const size_t n = source->read(batch))
    flows.insert(flows.end(), batch.begin(), batch.begin() + static_cast<ptrdiff_t>(n));
  return flows;
}

Flows by_nfcapd(const Flows& facts, uint16_t layout) {
  flow::nfcapd::TestWriter writer({.layout = layout});
  for (Flow f : facts) {
    f.known = flow::nfcapd::kAlwaysKnown;
    f.received_ms = f.end_ms;
    f.dst_port = static_cast<uint16_t>(legacy_dst_port(f));
    writer.flow(f);
  }
  const Scratch scratch;
  return read_file(scratch.write("nfcapd.202311142300", writer.file()));
}

Flows by_own_csv(const Flows& facts) {
  const Scratch scratch;
  const auto path = scratch.write("flows.csv", "");
  flow::CsvFlowWriter writer(path, flow::kCsvAll);
  for (const Flow& f : by_v9(facts)) writer.write(f);
  writer.close();
  return read_file(path);
}

Flows by_own_json(const Flows& facts) {
  const Scratch scratch;
  const auto path = scratch.write("flows.json", "");
  flow::JsonFlowWriter writer(flow::open_sink(path));
  writer.write(by_v9(facts));
  writer.close();
  return read_file(path);
}

std::string stamp(base::TimeMs t) {
  std::string text = base::format_time(t);
  text[10] = ' ';
  text.pop_back();
  return text.size() == 19 ? text + ".000" : text;
}

Flows by_nfdump_csv(const Flows& facts) {
  std::string text = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt\n";
  for (const Flow& f : facts) {
    std::string flags = "......";
    for (size_t i = 0; i < 6; ++i) {
      if ((f.tcp_flags >> (5 - i) & 1) != 0) flags[i] = "UAPRSF"[i];
    }
    const std::string dst_port = f.protocol == 1
                                     ? fmt::format("{}.{}", f.icmp_type_code >> 8, f.icmp_type_code & 255)
                                     : std::to_string(f.dst_port);
    const std::string protocol = f.protocol == 6    ? "TCP"
                                 : f.protocol == 17 ? "UDP"
                                 : f.protocol == 1  ? "ICMP"
                                 : f.protocol == 47 ? "GRE"
                                                    : "ESP";
    text += fmt::format("{},{},{:.3f},{},{},{},{},{},{},0,0,{},{},0,0\n", stamp(f.start_ms), stamp(f.end_ms),
                        static_cast<double>(f.end_ms - f.start_ms) / 1000, f.src.to_string(),
                        f.dst.to_string(), f.src_port, dst_port, protocol, flags, f.packets, f.bytes);
  }
  const Scratch scratch;
  return read_file(scratch.write("nfdump.csv", text));
}

// A table of somebody's own: a cell is empty where there is nothing to say.
Flows by_map(const Flows& facts) {
  std::string text = "begin,ms,a,b,ap,bp,proto,flags,pkts,octets\n";
  for (const Flow& f : facts) {
    const std::string ports = has_ports(f) ? fmt::format("{},{}", f.src_port, f.dst_port) : ",";
    text += fmt::format("{},{},{},{},{},{},{},{},{}\n", f.start_ms, f.end_ms - f.start_ms, f.src.to_string(),
                        f.dst.to_string(), ports, f.protocol,
                        f.protocol == 6 ? std::to_string(f.tcp_flags) : "", f.packets, f.bytes);
  }
  const std::string map = R"(fields:
  start: {column: begin, format: unix_ms}
  duration: {column: ms, unit: ms}
  src: a
  dst: b
  src_port: {column: ap, optional: true}
  dst_port: {column: bp, optional: true}
  protocol: proto
  tcp_flags: {column: flags, optional: true}
  packets: pkts
  bytes: octets
)";
  const Scratch scratch;
  return read_file(scratch.write("table.csv", text), scratch.write("map.yaml", map));
}

// One sample a packet, looked at one by one: an IPv4 header and what follows it.
Flows by_sflow(const Flows& facts) {
  Wire wire;
  uint32_t sequence = 0;
  for (const Flow& f : facts) {
    Octets packet = be(0, 12) + be(0x0800, 2) + be(0x45, 1) + be(0, 1) + be(f.bytes, 2) + be(1, 2) +
                    be(f.fragment != 0 ? 185 : 0, 2) + be(64, 1) + be(f.protocol, 1) + be(0, 2) +
                    be(v4(f.src), 4) + be(v4(f.dst), 4);
    if (f.fragment != 0) {
      packet += be(0x5a5a5a5a5a5a5a5a, 8);
    } else if (f.protocol == 6) {
      packet +=
          be(f.src_port, 2) + be(f.dst_port, 2) + be(0, 8) + be(0x50, 1) + be(f.tcp_flags, 1) + be(0, 6);
    } else if (f.protocol == 17) {
      packet += be(f.src_port, 2) + be(f.dst_port, 2) + be(f.bytes - 20, 2) + be(0, 2);
    } else {
      packet += be(f.icmp_type_code, 2) + be(0, 6);
    }
    wire.feed(sflow::message(++sequence,
                             {sflow::flow_sample(sequence, 1, {sflow::raw_header(packet, f.bytes + 18)})}),
              f.start_ms);
  }
  return wire.flows;
}

struct Road {
  const char* name;
  std::function<Flows(const Flows&)> flows;
};
const Road kRoads[] = {
    {"NetFlow v5", by_v5},
    {"IPFIX", by_ipfix},
    {"nfcapd layout 1", [](const Flows& f) { return by_nfcapd(f, 1); }},
    {"nfcapd layout 2", [](const Flows& f) { return by_nfcapd(f, 2); }},
    {"our own CSV", by_own_csv},
    {"our own JSON lines", by_own_json},
    {"nfdump CSV", by_nfdump_csv},
    {"a column map", by_map},
};

TEST(Roads, GiveTheSameFrames) {
  // Few flows a node and step, so that frames of one protocol alone are among them; then many.
  for (const size_t n : {size_t{1}, size_t{20}, size_t{3000}}) {
    for (uint64_t seed = 0; seed < (n == 3000 ? 1u : 20u); ++seed) {
      const Flows list = facts(seed + n, n);
      const Frames want = frames_of(by_v9(list));
      ASSERT_FALSE(want.empty());
      for (const Road& road : kRoads) {
        expect_same(frames_of(road.flows(list)), want, fmt::format("{}, seed {}", road.name, seed));
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(Roads, SampledPacketsAreFlowsOfOnePacket) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Flows list = facts(seed, seed == 0 ? 2000 : 10, true);
    // A sampled packet does not say how long its flow lasted.
    expect_same(frames_of(by_sflow(list)), frames_of(by_v9(list)), fmt::format("sFlow, seed {}", seed),
                false);
  }
}

// 2^32 - 1 in both counters: what a counter that was cleared between two readings leaves.
TEST(Roads, AgreeOnImpossibleCounters) {
  Flows list = facts(5, 40);
  list[3].bytes = list[3].packets = UINT32_MAX;
  const Flows nine = by_v9(list);
  EXPECT_FALSE(nine[3].has(flow::kKnownBytes));
  const Frames want = frames_of(nine);
  for (const Road& road : kRoads) expect_same(frames_of(road.flows(list)), want, road.name);
}

}  // namespace
}  // namespace netflowgen
