#include "series/partial/state_codec.h"

#include <algorithm>
#include <span>

namespace netflowgen::series {
namespace {

// Numbers of fields are for ever.
struct Sum {
  uint32_t field;
  uint64_t DirectionState::*member;
};
constexpr Sum kSums[] = {
    {1, &DirectionState::bytes},
    {2, &DirectionState::packets},
    {3, &DirectionState::starts},
    {4, &DirectionState::active},
    {5, &DirectionState::duration_ms},
    {22, &DirectionState::syn_flows},
    {23, &DirectionState::rst_flows},
    {24, &DirectionState::fragment_packets},
    {25, &DirectionState::fragment_flows},
    {26, &DirectionState::reflector_bytes},
    {27, &DirectionState::reflector_flows},
    {28, &DirectionState::bytes_without_packets},
    {29, &DirectionState::packets_without_bytes},
    {30, &DirectionState::transport_packets_without_ports},
    {31, &DirectionState::transport_flows_without_ports},
    {32, &DirectionState::bytes_without_service},
    {33, &DirectionState::flows_without_service},
    {34, &DirectionState::flows_without_duration},
    {35, &DirectionState::tcp_flows_without_flags},
};
enum Field : uint32_t {
  kGroupsField = 6,
  kClassPackets = 7,
  kClassFlows = 8,
  kPeerKeys = 9,
  kPeerCounts = 10,
  kPeerBins = 11,
  kPeerRegisters = 12,
  kServiceKeys = 13,
  kServiceCounts = 14,
  kServiceBins = 15,
  kServiceNames = 16,
  kOwnPorts = 17,
  kOwnPortRegisters = 18,
  kPeerPortKeys = 19,
  kPeerPortCounts = 20,
  kPeerPortBins = 21,
  kFields = 36,
};
constexpr size_t kServiceCells = 64;

// The number of sums by field; -1: it is none.
constexpr std::array<int8_t, kFields> sums_by_field() {
  std::array<int8_t, kFields> of{};
  of.fill(-1);
  for (size_t i = 0; i < std::size(kSums); ++i) of[kSums[i].field] = static_cast<int8_t>(i);
  return of;
}
constexpr auto kSumOf = sums_by_field();

template <typename Range>
void packed(uint32_t field, const Range& values, WireWriter& to) {
  const size_t begun = to.begin(field);
  for (const auto v : values) to.varint(v);
  to.end(begun);
}

template <typename Key>
void encode_small(uint32_t keys, uint32_t counts, const SmallCounts<Key>& set, uint8_t size, WireWriter& to) {
  if (size == 0) return;
  packed(keys, std::span(set.keys, size), to);
  packed(counts, std::span(set.counts, size), to);
}

void encode_peers(const DirectionState& s, const Arena& arena, WireWriter& to) {
  if (s.peers_size != kSketched) return encode_small(kPeerKeys, kPeerCounts, s.peers, s.peers_size, to);
  const auto& sketch = arena.at<PeerSketch>(s.peers_sketch);
  uint32_t counts[kBins];
  uint8_t registers[kBins * 4];
  for (size_t i = 0; i < kBins; ++i) {
    counts[i] = sketch.cells[i].count;
    for (size_t k = 0; k < 4; ++k) registers[i + kBins * k] = sketch.cells[i].registers[k];
  }
  packed(kPeerBins, counts, to);
  to.bytes(kPeerRegisters, registers, sizeof registers);
}

void encode_services(const DirectionState& s, const Arena& arena, WireWriter& to) {
  if (s.services_size != kSketched)
    return encode_small(kServiceKeys, kServiceCounts, s.services, s.services_size, to);
  const auto& sketch = arena.at<ServiceSketch>(s.services_sketch);
  uint32_t counts[kServiceCells];
  uint32_t names[kServiceCells];
  for (size_t i = 0; i < kServiceCells; ++i) {
    counts[i] = sketch.cells[i].count;
    names[i] = sketch.cells[i].name;
  }
  packed(kServiceBins, counts, to);
  packed(kServiceNames, names, to);
}

void encode_ports(const DirectionState& s, const Arena& arena, WireWriter& to) {
  if (s.own_ports_size == kSketched) {
    const auto& sketch = arena.at<OwnPortSketch>(s.own_ports_sketch);
    to.bytes(kOwnPortRegisters, sketch.registers, sizeof sketch.registers);
  } else if (s.own_ports_size > 0) {
    packed(kOwnPorts, std::span(s.own_ports, s.own_ports_size), to);
  }
  if (s.peer_ports_size == kSketched) {
    packed(kPeerPortBins, arena.at<PeerPortSketch>(s.peer_ports_sketch).bins, to);
  } else {
    encode_small(kPeerPortKeys, kPeerPortCounts, s.peer_ports, s.peer_ports_size, to);
  }
}

// One State message as it is read: lists until their end is known.
class StateReader {
 public:
  StateReader(DirectionState& state, Arena& arena) : s_(state), arena_(arena) {}

  bool read(Bytes bytes) {
    WireReader from(bytes);
    uint32_t field = 0;
    WireType type{};
    while (from.next(field, type)) {
      if (type == WireType::kVarint && field < kFields && kSumOf[field] >= 0) {
        s_.*kSums[kSumOf[field]].member = from.varint();
      } else if (type == WireType::kVarint && field == kGroupsField) {
        const uint64_t groups = from.varint();
        if (groups > UINT16_MAX) return false;
        s_.groups = static_cast<uint16_t>(groups);
      } else if (type == WireType::kBytes && field < kFields) {
        lists_[field] = from.bytes();
      } else {
        from.skip(type);
      }
    }
    return !from.failed() && s_.active > 0 && take_lists();
  }

 private:
  bool has(Field field) const { return lists_[field].data() != nullptr && !lists_[field].empty(); }

  // Packed numbers, at most `most` of them and none above `greatest`. Returns their number; -1: they are not that.
  template <typename T>
  int numbers(Field field, T* to, size_t most, uint64_t greatest) {
    WireReader from(lists_[field]);
    size_t n = 0;
    for (; !from.done(); ++n) {
      const uint64_t v = from.varint();
      if (from.failed() || n == most || v > greatest) return -1;
      to[n] = static_cast<T>(v);
    }
    return static_cast<int>(n);
  }
  template <typename T>
  bool exactly(Field field, T* to, size_t count, uint64_t greatest) {
    return numbers(field, to, count, greatest) == static_cast<int>(count);
  }
  template <typename Key>
  bool small(Field keys, Field counts, SmallCounts<Key>& set, uint8_t& size) {
    const int n = numbers(keys, set.keys, kSmall, static_cast<Key>(-1));
    if (n < 0 || numbers(counts, set.counts, kSmall, UINT32_MAX) != n) return false;
    size = static_cast<uint8_t>(n);
    return true;
  }
  template <typename Sketch>
  Sketch& made(Arena::Ref& ref, uint8_t& size) {
    ref = arena_.make<Sketch>();
    size = kSketched;
    return arena_.at<Sketch>(ref);
  }
  // Registers of 2^P hold ranks.
  bool registers(Field field, uint8_t* to, unsigned precision) {
    const Bytes bytes = lists_[field];
    if (bytes.size() != size_t{1} << precision) return false;
    const uint8_t most = static_cast<uint8_t>(32 - precision + 1);
    if (std::any_of(bytes.begin(), bytes.end(), [most](uint8_t r) { return r > most; })) return false;
    std::copy(bytes.begin(), bytes.end(), to);
    return true;
  }

  bool take_lists() {
    return (!has(kClassPackets) || exactly(kClassPackets, s_.class_packets, kClassCount, UINT64_MAX)) &&
           (!has(kClassFlows) || exactly(kClassFlows, s_.class_flows, kClassCount, UINT64_MAX)) &&
           take_peers() && take_services() && take_own_ports() && take_peer_ports();
  }
  bool take_peers() {
    if (!has(kPeerBins)) return small(kPeerKeys, kPeerCounts, s_.peers, s_.peers_size);
    uint32_t counts[kBins];
    uint8_t ranks[kBins * 4];
    if (!exactly(kPeerBins, counts, kBins, UINT32_MAX) || !registers(kPeerRegisters, ranks, kPeerPrecision))
      return false;
    auto& sketch = made<PeerSketch>(s_.peers_sketch, s_.peers_size);
    for (size_t i = 0; i < kBins; ++i) {
      sketch.cells[i].count = counts[i];
      for (size_t k = 0; k < 4; ++k) sketch.cells[i].registers[k] = ranks[i + kBins * k];
    }
    return true;
  }
  bool take_services() {
    if (!has(kServiceBins)) return small(kServiceKeys, kServiceCounts, s_.services, s_.services_size);
    uint32_t counts[kServiceCells];
    uint16_t names[kServiceCells];
    if (!exactly(kServiceBins, counts, kServiceCells, UINT32_MAX) ||
        !exactly(kServiceNames, names, kServiceCells, UINT16_MAX))
      return false;
    auto& sketch = made<ServiceSketch>(s_.services_sketch, s_.services_size);
    for (size_t i = 0; i < kServiceCells; ++i) {
      sketch.cells[i].count = counts[i];
      sketch.cells[i].name = names[i];
    }
    return true;
  }
  bool take_own_ports() {
    if (has(kOwnPortRegisters)) {
      auto& sketch = made<OwnPortSketch>(s_.own_ports_sketch, s_.own_ports_size);
      return registers(kOwnPortRegisters, sketch.registers, kPortPrecision);
    }
    const int n = numbers(kOwnPorts, s_.own_ports, kSmall, UINT16_MAX);
    s_.own_ports_size = static_cast<uint8_t>(std::max(n, 0));
    return n >= 0;
  }
  bool take_peer_ports() {
    if (!has(kPeerPortBins)) return small(kPeerPortKeys, kPeerPortCounts, s_.peer_ports, s_.peer_ports_size);
    auto& sketch = made<PeerPortSketch>(s_.peer_ports_sketch, s_.peer_ports_size);
    return exactly(kPeerPortBins, sketch.bins, kBins, UINT32_MAX);
  }

  DirectionState& s_;
  Arena& arena_;
  std::array<Bytes, kFields> lists_{};
};

}  // namespace

void encode_state(const DirectionState& s, const Arena& arena, WireWriter& to) {
  for (const auto& [field, member] : kSums) to.number(field, s.*member);
  to.number(kGroupsField, s.groups);
  if ((s.groups & kGroupProtocol) != 0) {
    packed(kClassPackets, s.class_packets, to);
    packed(kClassFlows, s.class_flows, to);
  }
  encode_peers(s, arena, to);
  encode_services(s, arena, to);
  encode_ports(s, arena, to);
}

bool decode_state(Bytes bytes, DirectionState& state, Arena& arena) {
  return StateReader(state, arena).read(bytes);
}

}  // namespace netflowgen::series
