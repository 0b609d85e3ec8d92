#include "series/partial_frames.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "series/partial/state_codec.h"

namespace netflowgen::series {
namespace {

constexpr uint32_t kMagic = 0x5046464e;  // "NFFP"
// Octets of a node's key and its two states, with the lengths in front of them.
constexpr size_t kMostNode = 2 * (WireWriter::kMostNested / 4) + 64;

enum HeaderField : uint32_t {
  kMagicField = 1,
  kVersionField = 2,
  kCollectorField = 3,
  kRunField = 4,
  kStepField = 5,
  kStepMsField = 6,
  kPartitionsField = 7,
  kPartitionField = 8,
  kChunkField = 9,
  kLastField = 10,
  kNodeField = 11,
};
enum NodeField : uint32_t {
  kKindField = 1,
  kAddressField = 2,
  kNumberField = 3,
  kInField = 4,
  kOutField = 5
};

constexpr unsigned kV4Bits = 96 + 24;
constexpr unsigned kV6Bits = 48;

// Up to the year 9999, before and after 1970.
bool is_time(int64_t step, int64_t step_ms) {
  const int64_t most = 253'402'300'799'000 / step_ms;
  return step >= -most && step <= most;
}

}  // namespace

uint32_t partition_of(const NodeKey& node, uint32_t partitions) {
  NodeKey group = node;
  if (node.kind == NodeKind::kHost || node.kind == NodeKind::kPrefix) {
    group.address = base::mask(node.address, node.address.is_v4() ? kV4Bits : kV6Bits);
    group.kind = NodeKind::kHost;
    group.number = 0;
  } else if (node.kind == NodeKind::kInterface) {
    group.number = 0;
  }
  const uint64_t high = HashSeed{}.hash(group) >> 32;
  return static_cast<uint32_t>(high * partitions >> 32);
}

PartialEncoder::PartialEncoder(PartialHeader common, size_t bytes)
    : header_(std::move(common)),
      bytes_(std::min(bytes, kMaxPartialBytes - kMostNode)),
      parts_(header_.partitions) {
  NFG_CHECK(header_.partitions > 0 && header_.collector.size() <= kMaxCollectorName);
}

void PartialEncoder::encode(int64_t step, const OpenStep& nodes, const Out& out) {
  for (const auto& slot : nodes.sorted()) {
    scratch_.arena.rewind();
    add(step, slot, nodes.view(slot, kIn, scratch_), nodes.view(slot, kOut, scratch_), out);
  }
  close(step, out);
}

void PartialEncoder::add(int64_t step, const StepSlot& slot, const StateView& in, const StateView& out_state,
                         const Out& out) {
  header_.step = step;
  const uint32_t partition = partition_of(slot.node(), header_.partitions);
  Part& part = parts_[partition];
  if (part.record.size() >= bytes_) finish(partition, false, out);
  if (part.record.empty()) begin(partition);
  WireWriter to(part.record);
  const size_t node = to.begin(kNodeField);
  to.number(kKindField, slot.kind);
  const auto& address = slot.address;
  if (address.is_v4()) {
    to.bytes(kAddressField, address.bytes.data() + 12, 4);
  } else if (!address.is_zero()) {
    to.bytes(kAddressField, address.bytes.data(), 16);
  }
  to.number(kNumberField, slot.number);
  for (const auto& [field, view] : {std::pair(kInField, &in), std::pair(kOutField, &out_state)}) {
    if (view->state == nullptr || view->state->active == 0) continue;
    const size_t begun = to.begin(field);
    encode_state(*view->state, *view->arena, to);
    to.end(begun);
  }
  to.end(node);
  ++part.nodes;
}

void PartialEncoder::close(int64_t step, const Out& out) {
  header_.step = step;
  for (uint32_t p = 0; p < header_.partitions; ++p) {
    if (parts_[p].record.empty()) begin(p);
    finish(p, true, out);
    parts_[p].chunk = 0;
  }
}

void PartialEncoder::begin(uint32_t partition) {
  header_.partition = partition;
  header_.chunk = parts_[partition].chunk;
  WireWriter to(parts_[partition].record);
  to.fixed32(kMagicField, kMagic);
  to.number(kVersionField, kPartialVersion);
  to.bytes(kCollectorField, header_.collector.data(), header_.collector.size());
  to.fixed64(kRunField, header_.run);
  to.number(kStepField, zigzag(header_.step));
  to.number(kStepMsField, static_cast<uint64_t>(header_.step_ms));
  to.number(kPartitionsField, header_.partitions);
  to.number(kPartitionField, header_.partition);
  to.number(kChunkField, header_.chunk);
}

void PartialEncoder::finish(uint32_t partition, bool last, const Out& out) {
  Part& part = parts_[partition];
  header_.partition = partition;
  header_.chunk = part.chunk++;
  header_.last = last;
  WireWriter(part.record).number(kLastField, last ? 1 : 0);
  out(header_, part.record, part.nodes);
  part.record.clear();
  part.nodes = 0;
}

PartialFault PartialDecoder::decode(base::Bytes record) {
  arena_.clear();
  nodes_.clear();
  uint64_t version = 0;
  bool frames = false;
  const bool whole = record.size() <= kMaxPartialBytes && read_header(record, version, frames);
  if (!frames) return PartialFault::kNotFrames;
  if (version > kPartialVersion) return PartialFault::kNewer;
  const bool sensible = whole && version > 0 && !header_.collector.empty() && header_.step_ms > 0 &&
                        header_.partition < header_.partitions && is_time(header_.step, header_.step_ms);
  if (!sensible) return PartialFault::kDamaged;
  for (const auto& bytes : found_) {
    if (!read_node(bytes)) return PartialFault::kDamaged;
  }
  return PartialFault::kNone;
}

// `frames`: the record begins as one of partial frames. False: its fields make no sense.
bool PartialDecoder::read_header(base::Bytes record, uint64_t& version, bool& frames) {
  header_ = {};
  header_.step_ms = 0;
  header_.partitions = 0;
  found_.clear();
  WireReader from(record);
  uint32_t field = 0;
  WireType type{};
  frames = from.next(field, type) && field == kMagicField && type == WireType::kFixed32 &&
           from.fixed<uint32_t>() == kMagic;
  bool sensible = frames;
  const auto number = [&](uint64_t most) {
    const uint64_t v = from.varint();
    sensible = sensible && v <= most;
    return v;
  };
  while (sensible && from.next(field, type)) {
    if (type == WireType::kVarint && field == kVersionField) {
      version = from.varint();
      if (version > kPartialVersion) return true;
    } else if (type == WireType::kBytes && field == kCollectorField) {
      const auto name = from.bytes();
      sensible = name.size() <= kMaxCollectorName;
      if (sensible) header_.collector.assign(name.begin(), name.end());
    } else if (type == WireType::kFixed64 && field == kRunField) {
      header_.run = from.fixed<uint64_t>();
    } else if (type == WireType::kVarint && field == kStepField) {
      header_.step = unzigzag(number(UINT64_MAX));
    } else if (type == WireType::kVarint && field == kStepMsField) {
      header_.step_ms = static_cast<int64_t>(number(INT64_MAX));
    } else if (type == WireType::kVarint && field == kPartitionsField) {
      header_.partitions = static_cast<uint32_t>(number(UINT32_MAX));
    } else if (type == WireType::kVarint && field == kPartitionField) {
      header_.partition = static_cast<uint32_t>(number(UINT32_MAX));
    } else if (type == WireType::kVarint && field == kChunkField) {
      header_.chunk = static_cast<uint32_t>(number(UINT32_MAX));
    } else if (type == WireType::kVarint && field == kLastField) {
      header_.last = number(1) == 1;
    } else if (type == WireType::kBytes && field == kNodeField) {
      found_.push_back(from.bytes());
    } else {
      from.skip(type);
    }
  }
  return sensible && !from.failed();
}

bool PartialDecoder::read_node(base::Bytes bytes) {
  PartialNode slot;
  uint64_t kind = 0;
  uint64_t number = 0;
  base::Bytes address;
  base::Bytes states[2];
  WireReader from(bytes);
  uint32_t field = 0;
  WireType type{};
  while (from.next(field, type)) {
    if (type == WireType::kVarint && field == kKindField) {
      kind = from.varint();
    } else if (type == WireType::kBytes && field == kAddressField) {
      address = from.bytes();
    } else if (type == WireType::kVarint && field == kNumberField) {
      number = from.varint();
    } else if (type == WireType::kBytes && (field == kInField || field == kOutField)) {
      states[field == kInField ? kIn : kOut] = from.bytes();
    } else {
      from.skip(type);
    }
  }
  if (from.failed() || kind == 0 || kind > static_cast<uint64_t>(NodeKind::kAs) || number > UINT32_MAX)
    return false;
  if (kind == static_cast<uint64_t>(NodeKind::kPrefix) && number > 128) return false;
  if (!address.empty() && address.size() != 4 && address.size() != 16) return false;
  slot.node.kind = static_cast<NodeKind>(kind);
  slot.node.number = static_cast<uint32_t>(number);
  if (address.size() == 4) slot.node.address = base::IpAddr::v4(0);
  std::copy(address.begin(), address.end(),
            slot.node.address.bytes.end() - static_cast<std::ptrdiff_t>(address.size()));
  for (const Direction d : {kIn, kOut}) {
    if (states[d].empty()) continue;
    slot.state[d] = arena_.make<DirectionState>();
    if (!decode_state(states[d], arena_.at<DirectionState>(slot.state[d]), arena_)) return false;
  }
  if (slot.state[kIn] == 0 && slot.state[kOut] == 0) return false;
  nodes_.push_back(slot);
  return true;
}

}  // namespace netflowgen::series
