// From an accumulator's state to the numbers of a frame. Definitions: docs/features.md.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/nan.h"
#include "series/accumulate/groups.h"
#include "series/accumulate/state.h"
#include "series/ports.h"

namespace netflowgen::series {
namespace {

using base::kNaN;

double minus(uint64_t a, uint64_t b) { return a > b ? static_cast<double>(a - b) : 0; }
double ratio(double part, double whole) { return whole > 0 ? std::min(part / whole, 1.0) : 0; }
double number(uint64_t n) { return static_cast<double>(n); }

template <typename Key>
std::array<uint32_t, kSmall> sorted_counts(const SmallCounts<Key>& set, unsigned size) {
  std::array<uint32_t, kSmall> counts{};
  std::copy_n(set.counts, size, counts.begin());
  std::sort(counts.begin(), counts.end());  // sums then do not depend on the order of arrival
  return counts;
}

double top_share(std::span<const uint32_t> counts) {
  double total = 0;
  uint32_t top = 0;
  for (const uint32_t c : counts) {
    total += c;
    top = std::max(top, c);
  }
  return ratio(top, total);
}

// A sketch is made when there are more than kSmall, so it never answers with fewer.
double distinct(std::span<const uint8_t> registers) {
  return std::max(hll_estimate(registers), static_cast<double>(kSmall + 1));
}

uint16_t top_service(const DirectionState& s, const Arena& arena) {
  uint16_t best = 0;
  uint32_t most = 0;
  const auto offer = [&](uint16_t name, uint32_t count) {
    if (count > most || (count == most && most > 0 && port_before(name, best))) {
      most = count;
      best = name;
    }
  };
  if (s.services_size == kSketched) {
    for (const auto& cell : arena.at<ServiceSketch>(s.services_sketch).cells) offer(cell.name, cell.count);
  } else {
    for (unsigned i = 0; i < s.services_size; ++i) offer(s.services.keys[i], s.services.counts[i]);
  }
  return best;
}

// What flows that lack a group leave out of a denominator.
struct Lacks {
  uint64_t bytes_without_packets = 0;
  uint64_t packets_without_bytes = 0;
  uint64_t flows_without_duration = 0;
};

// The first five features of a block. State: DirectionState or SumState.
template <typename State>
void fill_sums(const State& s, const Lacks& lacks, float* out) {
  const auto set = [out](size_t feature, double value) { out[feature] = static_cast<float>(value); };
  set(kBytesIn, number(s.bytes));
  set(kPacketsIn, number(s.packets));
  set(kFlowsIn, number(s.starts));
  const double sized = minus(s.packets, lacks.packets_without_bytes);
  set(kPacketSizeIn, sized > 0 ? minus(s.bytes, lacks.bytes_without_packets) / sized : 0);
  const uint64_t timed = s.active - lacks.flows_without_duration;
  set(kDurationIn, timed > 0 ? number(s.duration_ms) / number(timed) / 1000 : 0);
}
constexpr size_t kSumFeatures = kDurationIn + 1;

class Block {
 public:
  Block(const DirectionState& state, const Arena& arena, float* out) : s_(state), arena_(arena), out_(out) {}

  void fill() {
    fill_sums(s_, {s_.bytes_without_packets, s_.packets_without_bytes, s_.flows_without_duration}, out_);
    // What no flow knows is missing: fill_block().
    if (has(kGroupAddresses)) fill_peers();
    if (has(kGroupPorts)) fill_ports();
    if (has(kGroupProtocol)) fill_shares();
  }

 private:
  void set(size_t feature, double value) { out_[feature] = static_cast<float>(value); }
  bool has(uint16_t group) const { return (s_.groups & group) != 0; }

  void fill_peers() {
    if (s_.peers_size == kSketched) {
      const auto& sketch = arena_.at<PeerSketch>(s_.peers_sketch);
      std::array<uint32_t, kBins> counts;
      std::array<uint8_t, kBins * 4> registers;
      for (size_t i = 0; i < kBins; ++i) {
        counts[i] = sketch.cells[i].count;
        for (size_t k = 0; k < 4; ++k) registers[i + kBins * k] = sketch.cells[i].registers[k];
      }
      set(kPeersIn, distinct(registers));
      set(kPeerEntropyIn, entropy(counts));
      set(kTopPeerShareIn, top_share(counts));
    } else {
      const auto counts = sorted_counts(s_.peers, s_.peers_size);
      set(kPeersIn, s_.peers_size);
      set(kPeerEntropyIn, entropy(counts));
      set(kTopPeerShareIn, top_share(counts));
    }
  }

  void fill_ports() {
    set(kPortsIn, s_.own_ports_size == kSketched
                      ? distinct(arena_.at<OwnPortSketch>(s_.own_ports_sketch).registers)
                      : s_.own_ports_size);
    set(kPeerPortEntropyIn, s_.peer_ports_size == kSketched
                                ? entropy(arena_.at<PeerPortSketch>(s_.peer_ports_sketch).bins)
                                : entropy(sorted_counts(s_.peer_ports, s_.peer_ports_size)));
    set(kTopPortIn, top_service(s_, arena_));
  }

  void fill_shares() {
    const auto& shares = has(kGroupProtocolPackets) ? s_.class_packets : s_.class_flows;
    const double all = number(shares[0]) + number(shares[1]) + number(shares[2]) + number(shares[3]);
    for (size_t c = 0; c < kClassCount; ++c) set(kTcpShareIn + c, ratio(number(shares[c]), all));
    set(kSynShareIn, ratio(number(s_.syn_flows), number(s_.tcp_flows())));
    set(kRstShareIn, ratio(number(s_.rst_flows), number(s_.tcp_flows())));
    const bool by_packets = has(kGroupServicePackets);
    const auto& classes = by_packets ? s_.class_packets : s_.class_flows;
    const double transport = number(classes[kClassTcp]) + number(classes[kClassUdp]);
    const double without =
        number(by_packets ? s_.transport_packets_without_ports : s_.transport_flows_without_ports);
    set(kFragmentShareIn, ratio(number(by_packets ? s_.fragment_packets : s_.fragment_flows),
                                std::max(transport - without, 0.0)));
    set(kReflectorShareIn,
        has(kGroupServiceBytes)
            ? ratio(number(s_.reflector_bytes), minus(s_.bytes, s_.bytes_without_service))
            : ratio(number(s_.reflector_flows), minus(s_.active, s_.flows_without_service)));
  }

  const DirectionState& s_;
  const Arena& arena_;
  float* out_;
};

template <typename State>
bool is_active(const State* s) {
  return s != nullptr && s->active > 0;
}

// One direction's block of the frame; `groups` are those that its NaNs are decided by.
void fill_block(const StateView& view, uint16_t groups, float* out) {
  if (is_active(view.state)) {
    Block(*view.state, *view.arena, out).fill();
  } else {
    std::fill_n(out, kOutOffset, 0.0f);
  }
  for (size_t f = 0; f < kOutOffset; ++f) {
    if (kNeeds[f] != 0 && (groups & kNeeds[f]) == 0) out[f] = kNaN;
  }
}

template <typename State>
double out_in_ratio(const State* in, const State* out) {
  const auto lacks_bytes = [](const State* s) { return is_active(s) && (s->groups & kGroupBytes) == 0; };
  const bool by_flows = lacks_bytes(in) || lacks_bytes(out);
  const auto amount = [by_flows](const State* s) {
    if (!is_active(s)) return 0.0;
    return number(by_flows ? s->active : s->bytes);
  };
  return ratio(amount(out), amount(out) + amount(in));
}

}  // namespace

void finish(const StateView& in, const StateView& out, std::span<float> frame) {
  NFG_CHECK(frame.size() == kFeatureCount);
  NFG_CHECK(is_active(in.state) || is_active(out.state));
  const DirectionState* known = is_active(in.state) ? in.state : out.state;
  fill_block(in, known->groups, frame.data());
  known = is_active(out.state) ? out.state : in.state;
  fill_block(out, known->groups, frame.data() + kOutOffset);
  frame[kOutInRatio] = static_cast<float>(out_in_ratio(in.state, out.state));
}

void finish(const SumState* in, const SumState* out, const Arena& arena, std::span<float> frame) {
  NFG_CHECK(frame.size() == kFeatureCount);
  NFG_CHECK(is_active(in) || is_active(out));
  std::fill(frame.begin(), frame.end(), kNaN);
  const auto fill = [&](const SumState* s, uint16_t groups, float* block) {
    std::fill_n(block, kSumFeatures, 0.0f);
    if (is_active(s)) {
      Lacks lacks;
      if (s->lacks != 0) {
        const auto& l = arena.at<SumLacks>(s->lacks);
        lacks = {l.bytes_without_packets, l.packets_without_bytes, l.flows_without_duration};
      }
      fill_sums(*s, lacks, block);
    }
    for (size_t f = 0; f < kSumFeatures; ++f) {
      if (kNeeds[f] != 0 && (groups & kNeeds[f]) == 0) block[f] = kNaN;
    }
  };
  fill(in, is_active(in) ? in->groups : out->groups, frame.data());
  fill(out, is_active(out) ? out->groups : in->groups, frame.data() + kOutOffset);
  frame[kOutInRatio] = static_cast<float>(out_in_ratio(in, out));
}

}  // namespace netflowgen::series
