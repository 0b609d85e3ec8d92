#include "series/accumulate/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/random.h"
#include "series/ports.h"
#include "series/testing.h"

namespace netflowgen::series {
namespace {

using base::IpAddr;
using base::Random;
using flow::Flow;
using Frame = std::array<float, kFeatureCount>;

// One direction of one node: what SeriesBuilder does for a flow that lies within one step.
class Accumulator {
 public:
  Accumulator() : in_(arena_.make<DirectionState>()), out_(arena_.make<DirectionState>()) {}

  DirectionState& in() const { return arena_.at<DirectionState>(in_); }
  DirectionState& out() const { return arena_.at<DirectionState>(out_); }
  const Arena& arena() const { return arena_; }

  void receive(const Flow& f) {
    add(in(), part_of(f), {hash_address(f.src), f.dst_port, f.src_port}, arena_);
  }
  void send(const Flow& f) { add(out(), part_of(f), {hash_address(f.dst), f.src_port, f.dst_port}, arena_); }
  void merge_from(const Accumulator& other) {
    merge(in(), arena_, other.in(), other.arena_);
    merge(out(), arena_, other.out(), other.arena_);
  }
  Frame frame() const {
    Frame frame;
    finish({&in(), &arena_}, {&out(), &arena_}, frame);
    return frame;
  }

 private:
  ChunkPool pool_;
  Arena arena_{pool_};
  Arena::Ref in_;
  Arena::Ref out_;
};

void expect_same(const Frame& a, const Frame& b, const std::string& where) {
  for (size_t f = 0; f < kFeatureCount; ++f) {
    EXPECT_TRUE(a[f] == b[f] || (std::isnan(a[f]) && std::isnan(b[f])))
        << where << ": " << kFeatures[f].name << " " << a[f] << " != " << b[f];
  }
}

TEST(State, MergingEqualsSequentialExactly) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const FlowMaker maker(random);
    const uint64_t flows = 1 + random.below(seed % 3 == 0 ? 12 : seed % 3 == 1 ? 60 : 2000);
    Accumulator sequential;
    std::vector<Accumulator> split(1 + random.below(6));
    for (uint64_t i = 0; i < flows; ++i) {
      const Flow f = maker.make(random);
      Accumulator& one = split[random.below(split.size())];
      if (random.chance(0.6)) {
        sequential.receive(f);
        one.receive(f);
      } else {
        sequential.send(f);
        one.send(f);
      }
    }
    // Merged pairwise in random order, into whichever of the two.
    std::vector<size_t> left(split.size());
    for (size_t i = 0; i < left.size(); ++i) left[i] = i;
    while (left.size() > 1) {
      const size_t a = random.below(left.size());
      const size_t b = (a + 1 + random.below(left.size() - 1)) % left.size();
      split[left[a]].merge_from(split[left[b]]);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(b));
    }
    expect_same(split[left[0]].frame(), sequential.frame(), "seed " + std::to_string(seed));
  }
}

TEST(State, TheOrderOfFlowsDoesNotMatter) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const FlowMaker maker(random);
    std::vector<Flow> flows;
    for (uint64_t i = 0; i < 4 + random.below(100); ++i) flows.push_back(maker.make(random));
    Accumulator one;
    Accumulator other;
    for (const auto& f : flows) one.receive(f);
    for (size_t i = flows.size(); i > 1; --i) std::swap(flows[i - 1], flows[random.below(i)]);
    for (const auto& f : flows) other.receive(f);
    expect_same(one.frame(), other.frame(), "seed " + std::to_string(seed));
  }
}

// The reference implementation: the definitions of docs/features.md on the list of flows, with sets and maps.
class Naive {
 public:
  explicit Naive(const std::vector<Flow>& list) {
    for (const auto& f : list) count(f);
  }
  static double entropy_of(const std::map<uint64_t, double>& counts) {
    double total = 0;
    for (const auto& [key, c] : counts) total += c;
    double h = 0;
    for (const auto& [key, c] : counts) h -= c / total * std::log(c / total);
    return h / std::log(64.0);
  }
  static double top_of(const std::map<uint64_t, double>& counts) {
    double total = 0;
    double top = 0;
    for (const auto& [key, c] : counts) {
      total += c;
      top = std::max(top, c);
    }
    return top / total;
  }
  double service() const {
    std::pair<double, uint64_t> best{0, 0};
    for (const auto& [key, c] : services) {
      if (c > best.first ||
          (c == best.first && port_before(static_cast<uint16_t>(key), static_cast<uint16_t>(best.second)))) {
        best = {c, key};
      }
    }
    return static_cast<double>(best.second);
  }

  double bytes = 0, packets = 0, flows = 0, active = 0, duration = 0, tcp = 0, udp = 0, icmp = 0, other = 0,
         tcp_flows = 0, syn = 0, rst = 0, fragments = 0, reflected = 0;
  std::set<uint64_t> own_ports;
  std::map<uint64_t, double> peers, peer_ports, services;

 private:
  void count(const Flow& f) {
    const double n = static_cast<double>(f.packets) * f.sampling;
    const double b = static_cast<double>(f.bytes) * f.sampling;
    const bool transport = f.protocol == flow::kTcp || f.protocol == flow::kUdp;
    bytes += b;
    packets += n;
    const double w = std::max(f.flows, 1u);  // the rest of a flow is active as one
    flows += f.flows;
    active += w;
    duration += w * static_cast<double>(f.end_ms - f.start_ms) / 1000;
    (f.protocol == 6                       ? tcp
     : f.protocol == 17                    ? udp
     : f.protocol == 1 || f.protocol == 58 ? icmp
                                           : other) += n;
    tcp_flows += f.protocol == 6 ? w : 0;
    syn += f.protocol == 6 && (f.tcp_flags & 2) && !(f.tcp_flags & 16) ? w : 0;
    rst += f.protocol == 6 && (f.tcp_flags & 4) ? w : 0;
    if (transport && (f.fragment || (f.src_port == 0 && f.dst_port == 0))) fragments += n;
    const auto reflectors = reflector_ports();
    if (f.protocol == 17 && std::find(reflectors.begin(), reflectors.end(), f.src_port) != reflectors.end()) {
      reflected += b;
    }
    peers[f.src.hash()] += w;
    if (!transport) return;
    own_ports.insert(f.dst_port);
    peer_ports[f.src_port] += w;
    services[service_port(f.src_port, f.dst_port)] += w;
  }
};

TEST(State, AgreesWithTheDefinitions) {
  int exact = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    FlowMaker maker(random);
    maker.known_always = true;
    std::vector<Flow> flows;
    Accumulator state;
    for (uint64_t i = 0; i < 1 + random.below(seed % 2 ? 8 : 3000); ++i) {
      flows.push_back(maker.make(random));
      state.receive(flows.back());
    }
    const Naive n(flows);
    const Frame f = state.frame();
    const auto near = [&](size_t feature, double want, double relative) {
      EXPECT_NEAR(f[feature], want, 1e-6 + relative * std::fabs(want))
          << kFeatures[feature].name << " seed " << seed;
    };
    near(kBytesIn, n.bytes, 1e-6);
    near(kPacketsIn, n.packets, 1e-6);
    near(kFlowsIn, n.flows, 0);
    near(kPacketSizeIn, n.packets > 0 ? n.bytes / n.packets : 0, 1e-6);
    near(kDurationIn, n.duration / n.active, 1e-6);
    const double p = std::max(n.packets, 1.0);
    near(kTcpShareIn, n.tcp / p, 1e-6);
    near(kUdpShareIn, n.udp / p, 1e-6);
    near(kIcmpShareIn, n.icmp / p, 1e-6);
    near(kOtherShareIn, n.other / p, 1e-6);
    near(kSynShareIn, n.syn / std::max(n.tcp_flows, 1.0), 1e-6);
    near(kRstShareIn, n.rst / std::max(n.tcp_flows, 1.0), 1e-6);
    near(kFragmentShareIn, n.tcp + n.udp > 0 ? n.fragments / (n.tcp + n.udp) : 0, 1e-6);
    near(kReflectorShareIn, n.bytes > 0 ? n.reflected / n.bytes : 0, 1e-6);
    // Sketches: exact while small, else within five standard errors of what they document.
    const auto size = [](const auto& set) { return static_cast<double>(set.size()); };
    near(kPeersIn, size(n.peers), n.peers.size() <= kSmall ? 0 : 5 * 0.065);
    near(kPortsIn, size(n.own_ports), n.own_ports.size() <= kSmall ? 0 : 5 * 0.092);
    if (n.peers.size() <= kSmall) {
      near(kPeerEntropyIn, Naive::entropy_of(n.peers), 1e-6);
      near(kTopPeerShareIn, Naive::top_of(n.peers), 1e-6);
      ++exact;
    } else {
      EXPECT_LE(f[kPeerEntropyIn], std::min(1.0, Naive::entropy_of(n.peers)) + 1e-6);
      EXPECT_GE(f[kTopPeerShareIn], Naive::top_of(n.peers) - 1e-6);
      EXPECT_LE(f[kTopPeerShareIn], Naive::top_of(n.peers) + 0.3);
    }
    if (!n.peer_ports.empty() && n.peer_ports.size() <= kSmall) {
      near(kPeerPortEntropyIn, Naive::entropy_of(n.peer_ports), 1e-6);
    }
    if (n.services.size() <= kSmall) near(kTopPortIn, n.service(), 0);
  }
  EXPECT_GT(exact, 100);
}

TEST(State, DistinctCountsKeepTheirStatedError) {
  for (const double n : {9, 30, 100, 1000, 20000, 1000000}) {
    double peers = 0;
    double ports = 0;
    const int runs = n > 100000 ? 10 : 100;
    for (int run = 0; run < runs; ++run) {
      Random random(static_cast<uint64_t>(run) * 77 + static_cast<uint64_t>(n));
      Accumulator state;
      for (double i = 0; i < n; ++i) {
        Flow f;
        f.known = flow::kKnownAddresses | flow::kKnownPorts;
        f.src = IpAddr::v4(static_cast<uint32_t>(random.next()));
        f.dst_port = static_cast<uint16_t>(static_cast<uint64_t>(i));
        f.src_port = 1;
        state.receive(f);
      }
      const Frame f = state.frame();
      peers += std::pow(f[kPeersIn] / n - 1, 2);
      ports += std::pow(f[kPortsIn] / std::min(n, 65536.0) - 1, 2);
    }
    EXPECT_LT(std::sqrt(peers / runs), 0.065 * 1.4) << n;
    EXPECT_LT(std::sqrt(ports / runs), 0.092 * 1.4) << n;
  }
}

TEST(State, MissingIsNotZero) {
  Flow f;
  f.src = IpAddr::v4(1);
  f.dst = IpAddr::v4(2);
  f.known = flow::kKnownAddresses;
  Accumulator state;
  state.receive(f);
  const Frame a = state.frame();
  for (size_t i = 0; i < kFeatureCount; ++i) {
    const bool there = kFeatures[i].needs == 0 || kFeatures[i].needs == flow::kKnownAddresses;
    EXPECT_EQ(std::isnan(a[i]), !there) << kFeatures[i].name;
  }
  EXPECT_EQ(a[kFlowsIn], 1);
  EXPECT_EQ(a[kFlowsOut], 0);
  EXPECT_EQ(a[kPeersOut], 0);
  f.known |= flow::kKnownBytes | flow::kKnownProtocol;
  f.bytes = 10;
  f.protocol = flow::kUdp;
  state.send(f);
  const Frame b = state.frame();
  EXPECT_TRUE(std::isnan(b[kBytesIn]));  // a flow came in, and its bytes are not known
  EXPECT_EQ(b[kBytesOut], 10);
  EXPECT_EQ(b[kUdpShareOut], 1);  // by flows: packets are not known
  EXPECT_TRUE(std::isnan(b[kPacketsOut]));
  EXPECT_EQ(b[kSynShareOut], 0) << "UDP has no flags to be known";
  f.protocol = flow::kTcp;
  Accumulator tcp;
  tcp.send(f);
  EXPECT_TRUE(std::isnan(tcp.frame()[kSynShareOut]));
  EXPECT_EQ(b[kOutInRatio], 0.5f);  // by flows: bytes are not known on both sides
}

TEST(State, EveryFeatureNeedsWhatItsTableSays) {
  // Knowing everything but one group makes exactly those features missing whose `needs` has that group.
  const uint32_t all = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts |
                       flow::kKnownProtocol | flow::kKnownTcpFlags | flow::kKnownDuration;
  for (uint32_t group = 1; group != 0; group <<= 1) {
    if ((all & group) == 0) continue;
    Flow f;
    f.known = all & ~group;
    f.protocol = flow::kTcp;  // which has ports and flags
    Accumulator state;
    state.receive(f);
    state.send(f);
    const Frame frame = state.frame();
    for (size_t i = 0; i < kFeatureCount; ++i) {
      EXPECT_EQ(std::isnan(frame[i]), (kFeatures[i].needs & group) != 0) << kFeatures[i].name << " " << group;
    }
  }
}

// What a protocol does not have is nothing to be known: a source that writes zeros there and one that writes nothing
// give the same frame.
TEST(State, PortsAndFlagsOfProtocolsWithoutThemAreNoQuestion) {
  for (const uint8_t protocol : {flow::kIcmp, flow::kGre, flow::kUdp}) {
    Flow zeros;
    zeros.src = IpAddr::v4(1);
    zeros.dst = IpAddr::v4(2);
    zeros.protocol = protocol;
    zeros.bytes = 1000;
    zeros.packets = 3;
    zeros.known = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownProtocol |
                  flow::kKnownPorts | flow::kKnownTcpFlags;
    if (protocol == flow::kUdp) zeros.src_port = 53, zeros.dst_port = 4000;
    Flow none = zeros;
    none.known &= ~uint32_t{flow::kKnownTcpFlags};
    if (protocol != flow::kUdp) none.known &= ~uint32_t{flow::kKnownPorts};
    Flow reflected = zeros;
    reflected.protocol = flow::kUdp;
    reflected.src_port = 123;
    reflected.bytes = 500;
    for (const bool with_reflected : {false, true}) {
      Accumulator a;
      Accumulator b;
      a.receive(zeros);
      b.receive(none);
      if (with_reflected) a.receive(reflected), b.receive(reflected);
      expect_same(a.frame(), b.frame(), std::to_string(protocol));
    }
  }
}

TEST(State, HostileCountersStopAtTheirMaximum) {
  Flow f;
  f.known = flow::kKnownBytes | flow::kKnownPackets | flow::kKnownAddresses;
  f.bytes = UINT64_MAX / 2;
  f.packets = UINT64_MAX;
  f.sampling = UINT32_MAX;
  Accumulator state;
  for (int i = 0; i < 5; ++i) state.receive(f);
  EXPECT_EQ(state.in().bytes, UINT64_MAX);
  EXPECT_EQ(state.frame()[kPacketSizeIn], 1);
  f.sampling = 0;  // never 0 by contract; taken for 1
  f.bytes = 7;
  Accumulator other;
  other.receive(f);
  EXPECT_EQ(other.in().bytes, 7u);
}

TEST(Ports, ServiceIsTheKnownOneElseTheLower) {
  EXPECT_EQ(service_port(50000, 443), 443);
  EXPECT_EQ(service_port(3389, 1500), 3389);  // known above unknown, though higher
  EXPECT_EQ(service_port(8080, 443), 443);    // both known
  EXPECT_EQ(service_port(50000, 40000), 40000);
  EXPECT_EQ(service_port(0, 50000), 0);
  std::set<unsigned> bins;
  for (const uint16_t p : own_bin_ports()) bins.insert(kPorts[p].bin());
  EXPECT_EQ(bins.size(), kOwnBins);
  for (unsigned p = 0; p < 65536; ++p) {
    const auto own = own_bin_ports();
    const bool has_own = std::find(own.begin(), own.end(), p) != own.end();
    EXPECT_EQ(kPorts[p].bin() < kOwnBins, has_own) << p;
  }
}

TEST(Ports, TopServiceSurvivesAScan) {
  Random random(5);
  Accumulator state;
  Flow f;
  f.known = flow::kKnownAddresses | flow::kKnownPorts | flow::kKnownProtocol;
  f.protocol = flow::kTcp;
  for (int i = 0; i < 3000; ++i) {
    f.src_port = static_cast<uint16_t>(40000 + random.below(20000));
    f.dst_port = static_cast<uint16_t>(i % 10 == 0 ? 443 : 1024 + random.below(30000));
    state.receive(f);
  }
  EXPECT_EQ(state.frame()[kTopPortIn], 443);
}

}  // namespace
}  // namespace netflowgen::series
