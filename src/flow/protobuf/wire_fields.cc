#include "flow/protobuf/wire_fields.h"

namespace netflowgen::flow {
namespace {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

// A tag has at most five octets, of which 32 bits count, as in libprotobuf. Its field number is not 0.
bool take_tag(Bytes& from, uint32_t& field, uint32_t& type) {
  const size_t before = from.size();
  uint64_t tag = 0;
  if (!take_varint(from, tag) || before - from.size() > 5) return false;
  field = static_cast<uint32_t>(tag) >> 3;
  type = static_cast<uint32_t>(tag & 7);
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
    uint32_t type = 0;
    uint64_t value = 0;
    Bytes taken;
    if (!take_tag(from, field, type)) return false;
    bool ok = false;
    if (type == kVarint) ok = take_varint(from, value);
    if (type == kFixed64) ok = take_bytes(from, 8, taken);
    if (type == kFixed32) ok = take_bytes(from, 4, taken);
    if (type == kLength) ok = take_varint(from, value) && take_bytes(from, value, taken);
    if (type == kStartGroup && depth < open.size()) {
      open[depth++] = field;
      ok = true;
    }
    if (type == kEndGroup) ok = open[--depth] == field;
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

bool WireFields::take_field(uint32_t field, uint32_t type, Bytes& from) {
  uint64_t value = 0;
  Bytes taken;
  switch (type) {
    case kVarint:
      if (!take_varint(from, value)) return false;
      if (field < kMaxField) {
        number_[field] = value;
        set(numbers_, field);
      }
      return true;
    case kLength:
      if (!take_varint(from, value) || !take_bytes(from, value, taken)) return false;
      if (field < kMaxField) {
        blob_[field] = taken;
        set(blobs_, field);
      }
      return true;
    case kFixed64:
      return take_bytes(from, 8, taken);
    case kFixed32:
      return take_bytes(from, 4, taken);
    case kStartGroup:
      return pass_group(from, field);
    default:
      return false;
  }
}

bool WireFields::parse(Bytes message) {
  numbers_ = blobs_ = {};
  while (!message.empty()) {
    uint32_t field = 0;
    uint32_t type = 0;
    if (!take_tag(message, field, type) || !take_field(field, type, message)) return false;
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
