#include "series/pushdown/aggregate_rows.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "flow/clickhouse/clickhouse_table.h"
#include "series/ports.h"

namespace netflowgen::series {
namespace {

using flow::RowBinaryReader;
using Sums = std::array<uint64_t, static_cast<size_t>(SumColumn::kCount)>;

uint32_t count_of(uint64_t n) { return static_cast<uint32_t>(std::min<uint64_t>(n, UINT32_MAX)); }

template <typename T>
std::vector<T> array_of(RowBinaryReader& in) {
  std::vector<T> values(in.size());
  for (auto& v : values) v = in.take<T>();
  return values;
}

template <typename T>
std::vector<T> joined_arrays(RowBinaryReader& in) {
  std::vector<T> all;
  for (size_t n = in.size(); n > 0; --n) {
    const auto one = array_of<T>(in);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

[[noreturn]] void fail_row() { throw base::Error("ClickHouse: a row of an answer makes no sense"); }

// Of a flow that knows its fields like this.
uint16_t groups_of(unsigned number, uint32_t known) {
  const auto counters = static_cast<KindCounters>(number / 2 % 3);
  const auto protocol = static_cast<KindProtocol>(number / 6);
  flow::Flow f;
  f.known = known;
  if (number % 2 == 0) f.known &= ~uint32_t{flow::kKnownAddresses};
  if (counters == KindCounters::kNone) f.known &= ~uint32_t{flow::kKnownBytes | flow::kKnownPackets};
  if (counters == KindCounters::kBytesOnly) f.known &= ~uint32_t{flow::kKnownPackets};
  f.protocol = protocol == KindProtocol::kTcp      ? uint8_t{flow::kTcp}
               : protocol == KindProtocol::kPorted ? uint8_t{flow::kUdp}
                                                   : uint8_t{flow::kIcmp};
  return part_of(f).groups;
}

void add_exceptions(DirectionState& s, const Sums& sums, uint32_t known) {
  const auto at = [&sums](SumColumn c) { return sums[static_cast<size_t>(c)]; };
  s.bytes_without_packets = at(SumColumn::kBytesWithoutPackets);
  if ((known & flow::kKnownBytes) == 0) s.packets_without_bytes = s.packets;
  s.flows_without_duration = s.active;
  const bool protocol = (known & flow::kKnownProtocol) != 0;
  if (protocol && (known & flow::kKnownTcpFlags) == 0) s.tcp_flows_without_flags = s.class_flows[kClassTcp];
  if (!protocol) {
    s.bytes_without_service = s.bytes;
    s.flows_without_service = s.active;
  } else if ((known & flow::kKnownPorts) == 0) {
    s.bytes_without_service = at(SumColumn::kPortedBytes);
    s.flows_without_service = at(SumColumn::kPortedFlows);
    s.transport_packets_without_ports = s.class_packets[kClassTcp] + s.class_packets[kClassUdp];
    s.transport_flows_without_ports = s.class_flows[kClassTcp] + s.class_flows[kClassUdp];
  }
}

void fill(DirectionState& s, const Sums& sums, uint32_t kinds, uint32_t known) {
  const auto at = [&sums](SumColumn c, size_t further = 0) { return sums[static_cast<size_t>(c) + further]; };
  for (unsigned number = 0; number < 18; ++number) {
    if ((kinds >> number & 1) != 0) s.groups |= groups_of(number, known);
  }
  s.bytes = at(SumColumn::kBytes);
  s.packets = at(SumColumn::kPackets);
  s.starts = s.active = at(SumColumn::kFlows);
  for (size_t c = 0; c < kClassCount; ++c) {
    s.class_packets[c] = at(SumColumn::kTcpPackets, c);
    s.class_flows[c] = at(SumColumn::kTcpFlows, c);
  }
  s.syn_flows = at(SumColumn::kSynFlows);
  s.rst_flows = at(SumColumn::kRstFlows);
  s.fragment_packets = at(SumColumn::kFragmentPackets);
  s.fragment_flows = at(SumColumn::kFragmentFlows);
  s.reflector_bytes = at(SumColumn::kReflectorBytes);
  s.reflector_flows = at(SumColumn::kReflectorFlows);
  add_exceptions(s, sums, known);
}

// A set as the server has it: its keys, or the cells of its sketch.
struct SetRow {
  uint64_t distinct = 0;
  std::vector<uint16_t> cells;
  std::vector<uint64_t> counts;
  std::vector<uint32_t> marks;
  std::vector<uint32_t> keys;
  std::vector<uint64_t> key_counts;

  bool small() const { return distinct <= kSmall; }
  explicit SetRow(RowBinaryReader& in)
      : distinct(in.take<uint64_t>()),
        cells(array_of<uint16_t>(in)),
        counts(array_of<uint64_t>(in)),
        marks(array_of<uint32_t>(in)),
        keys(joined_arrays<uint32_t>(in)),
        key_counts(joined_arrays<uint64_t>(in)) {
    const bool whole = small() ? keys.size() == distinct && key_counts.size() == distinct
                               : counts.size() == cells.size() && marks.size() == cells.size();
    if (!whole) fail_row();
  }
  uint16_t cell(size_t i, size_t most) const {
    if (cells[i] >= most) fail_row();
    return cells[i];
  }
};

template <typename Key>
void fill_small(SmallCounts<Key>& set, uint8_t& size, const SetRow& row) {
  size = static_cast<uint8_t>(row.distinct);
  for (size_t i = 0; i < row.distinct; ++i) {
    set.keys[i] = static_cast<Key>(row.keys[i]);
    set.counts[i] = count_of(row.key_counts[i]);
  }
}

void fill_peers(DirectionState& s, const SetRow& row, Arena& arena) {
  if (row.small()) return fill_small(s.peers, s.peers_size, row);
  s.peers_size = kSketched;
  s.peers_sketch = arena.make<PeerSketch>();
  auto& sketch = arena.at<PeerSketch>(s.peers_sketch);
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const uint16_t r = row.cell(i, size_t{1} << kPeerPrecision);
    auto& cell = sketch.cells[r % kBins];
    saturating_add(cell.count, count_of(row.counts[i]));
    cell.registers[r / kBins] = static_cast<uint8_t>(row.marks[i]);
  }
}

void fill_own_ports(DirectionState& s, const SetRow& row, Arena& arena) {
  if (row.small()) {
    s.own_ports_size = static_cast<uint8_t>(row.distinct);
    for (size_t i = 0; i < row.distinct; ++i) s.own_ports[i] = static_cast<uint16_t>(row.keys[i]);
    return;
  }
  s.own_ports_size = kSketched;
  s.own_ports_sketch = arena.make<OwnPortSketch>();
  auto& sketch = arena.at<OwnPortSketch>(s.own_ports_sketch);
  for (size_t i = 0; i < row.cells.size(); ++i)
    sketch.registers[row.cell(i, size_t{1} << kPortPrecision)] = static_cast<uint8_t>(row.marks[i]);
}

void fill_peer_ports(DirectionState& s, const SetRow& row, Arena& arena) {
  if (row.small()) return fill_small(s.peer_ports, s.peer_ports_size, row);
  s.peer_ports_size = kSketched;
  s.peer_ports_sketch = arena.make<PeerPortSketch>();
  auto& sketch = arena.at<PeerPortSketch>(s.peer_ports_sketch);
  for (size_t i = 0; i < row.cells.size(); ++i) sketch.bins[row.cell(i, kBins)] = count_of(row.counts[i]);
}

void fill_services(DirectionState& s, const SetRow& row, Arena& arena) {
  if (row.small()) return fill_small(s.services, s.services_size, row);
  s.services_size = kSketched;
  s.services_sketch = arena.make<ServiceSketch>();
  auto& sketch = arena.at<ServiceSketch>(s.services_sketch);
  for (size_t i = 0; i < row.cells.size(); ++i) {
    auto& cell = sketch.cells[row.cell(i, kServiceBins)];
    cell.count = count_of(row.counts[i]);
    cell.name = static_cast<uint16_t>(row.marks[i] & 0xffff);
  }
}

void store_be(uint8_t* to, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace

// What begins each row: which state it is about.
struct SliceStates::Row {
  uint32_t step;
  uint8_t direction;
  uint64_t high;
  uint64_t low;
  uint32_t number;
  explicit Row(RowBinaryReader& in)
      : step(in.take<uint32_t>()),
        direction(in.take<uint8_t>()),
        high(in.take<uint64_t>()),
        low(in.take<uint64_t>()),
        number(in.take<uint32_t>()) {
    if (direction > kOut) fail_row();
  }
};

DirectionState& SliceStates::state_of(const Row& row, NodeKind kind, bool must_be_there, Arena*& arena) {
  NodeKey node;
  store_be(node.address.bytes.data(), row.high);
  store_be(node.address.bytes.data() + 8, row.low);
  node.number = row.number;
  node.kind = kind;
  auto& step = steps_[row.step];
  if (!step) step = std::make_unique<Step>(pool_);
  arena = &step->arena;
  Arena::Ref& ref = step->nodes[node][row.direction];
  if (ref == 0) ref = arena->make<DirectionState>();
  DirectionState& s = arena->at<DirectionState>(ref);
  if (must_be_there && s.active == 0)
    throw base::Error(
        "ClickHouse: the table has changed between two queries; read it again, or until an earlier time");
  return s;
}

void SliceStates::add_sums(std::string_view answer, NodeKind kind) {
  RowBinaryReader in(answer);
  while (!in.at_end()) {
    const Row row(in);
    const auto kinds = in.take<uint32_t>();
    Sums sums;
    for (auto& sum : sums) sum = in.take<uint64_t>();
    Arena* arena = nullptr;
    fill(state_of(row, kind, false, arena), sums, kinds, known_);
  }
}

void SliceStates::add_sets(std::string_view answer, NodeKind kind, SetKind set) {
  constexpr void (*kFill[])(DirectionState&, const SetRow&, Arena&) = {fill_peers, fill_own_ports,
                                                                       fill_peer_ports, fill_services};
  RowBinaryReader in(answer);
  while (!in.at_end()) {
    const Row row(in);
    const SetRow values(in);
    Arena* arena = nullptr;
    DirectionState& s = state_of(row, kind, true, arena);
    kFill[static_cast<size_t>(set)](s, values, *arena);
  }
}

void SliceStates::finish(int64_t first_step, const FeatureChoice& features, FrameSink& sink) {
  float frame[kFeatureCount];
  for (const auto& [number, step] : steps_) {
    const int64_t at = first_step + number;
    const Arena& arena = step->arena;
    const auto view = [&arena](Arena::Ref ref) {
      return ref == 0 ? StateView{} : StateView{&arena.at<DirectionState>(ref), &arena};
    };
    std::vector<NodeKey> nodes;
    for (const auto& [node, refs] : step->nodes) nodes.push_back(node);
    std::sort(nodes.begin(), nodes.end());
    for (const auto& node : nodes) {
      const auto& refs = step->nodes.at(node);
      series::finish(view(refs[kIn]), view(refs[kOut]), frame);
      features.leave_out_others(frame);
      sink.frame(node, at, frame);
      ++frames_;
    }
    sink.step_closed(at);
  }
  steps_.clear();
}

}  // namespace netflowgen::series
