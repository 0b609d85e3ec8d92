#include "flow/protobuf/wire_fields.h"

namespace netflowgen::flow {
namespace {

// A tag has at most five octets, of which 32 bits count, as in libprotobuf. Its field number is not 0.
bool take_tag(Bytes& from, uint32_t& field, WireType& type) {
  const size_t before = from.size();
  uint64_t tag = 0;
  if (!take_varint(from, tag) || before - from.size() > 5) return false;
  field = static_cast<uint32_t>(tag) >> 3;
  type = static_cast<WireType>(tag & 7);
  return field != 0;
}

bool take_bytes(Bytes& from, uint64_t size, Bytes& taken) {
  if (size > from.size()) return false;
  taken = from.first(static_cast<size_t>(size));
  from = from.subspan(static_cast<size_t>(size));
  return true;
}

// Passes the rest of a group whose start was read.
bool pass_group(Bytes& from, uint32_t outermost) {
  std::array<uint32_t, WireFields::kMaxDepth> open{outermost};
  size_t depth = 1;
  while (depth > 0) {
    uint32_t field = 0;
    WireType type{};
    uint64_t value = 0;
    Bytes taken;
    if (!take_tag(from, field, type)) return false;
    bool ok = false;
    if (type == WireType::kVarint) ok = take_varint(from, value);
    if (type == WireType::kFixed64) ok = take_bytes(from, 8, taken);
    if (type == WireType::kFixed32) ok = take_bytes(from, 4, taken);
    if (type == WireType::kLength) ok = take_varint(from, value) && take_bytes(from, value, taken);
    if (type == WireType::kStartGroup && depth < open.size()) {
      open[depth++] = field;
      ok = true;
    }
    if (type == WireType::kEndGroup) ok = open[--depth] == field;
    if (!ok) return false;
  }
  return true;
}

}  // namespace

bool take_varint(Bytes& from, uint64_t& value) {
  if (!from.empty() && from[0] < 0x80) [[likely]] {
    value = from[0];
    from = from.subspan(1);
    return true;
  }
  value = 0;
  for (size_t i = 0; i < from.size() && i < 10; ++i) {
    value |= uint64_t{from[i] & 0x7fu} << (7 * i);  // of the tenth octet one bit is left
    if (from[i] < 0x80) {
      from = from.subspan(i + 1);
      return true;
    }
  }
  return false;
}

bool take_field(Bytes& from, WireField& taken) {
  uint64_t size = 0;
  if (!take_tag(from, taken.field, taken.type)) return false;
  switch (taken.type) {
    case WireType::kVarint:
      return take_varint(from, taken.number);
    case WireType::kLength:
      return take_varint(from, size) && take_bytes(from, size, taken.bytes);
    case WireType::kFixed64:
      return take_bytes(from, 8, taken.bytes);
    case WireType::kFixed32:
      return take_bytes(from, 4, taken.bytes);
    case WireType::kStartGroup:
      return pass_group(from, taken.field);
    default:
      return false;
  }
}

bool WireFields::parse(Bytes message) {
  numbers_ = blobs_ = {};
  WireField taken;
  while (!message.empty()) {
    if (!take_field(message, taken)) return false;
    if (taken.field >= kMaxField) continue;
    if (taken.type == WireType::kVarint) {
      number_[taken.field] = taken.number;
      set(numbers_, taken.field);
    } else if (taken.type == WireType::kLength) {
      blob_[taken.field] = taken.bytes;
      set(blobs_, taken.field);
    }
  }
  return true;
}

bool WireFields::first(uint32_t field, uint64_t& value) const {
  Bytes packed = bytes(field);
  if (!packed.empty()) return take_varint(packed, value);
  value = number(field);
  return has(numbers_, field);
}

}  // namespace netflowgen::flow
