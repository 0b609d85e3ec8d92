// The fields of one protobuf message (proto3 wire format), by number: what decoders of known messages read. No schema is
// needed: a field whose number or wire type nobody asks for costs its bytes alone.
//
// Invariants: 1. Nothing past the message is read, whatever its bytes are. 2. As protobuf demands, the last value of a
// number counts, and unknown fields are passed, groups too. 3. Nothing is copied: bytes() refers to the message. One
// thread. A test compares with libprotobuf (tests/protobuf).
#pragma once

#include <array>
#include <cstdint>

#include "base/cursor.h"

namespace netflowgen::flow {

using base::Bytes;

// Reads a varint at the start of `from` and passes it. False: it is cut short, or has more than 10 octets.
bool take_varint(Bytes& from, uint64_t& value);

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

struct WireField {
  uint32_t field = 0;
  WireType type = WireType::kVarint;
  uint64_t number = 0;  // kVarint
  Bytes bytes;          // kLength
};

// Reads the field at the start of `from` and passes it; a group as a whole. False: it is none.
bool take_field(Bytes& from, WireField& taken);

class WireFields {
 public:
  static constexpr uint32_t kMaxField = 128;  // fields from here on are passed
  static constexpr size_t kMaxDepth = 32;     // of groups

  // False: these bytes are no protobuf message.
  bool parse(Bytes message);

  // 0 where the field is missing, which in proto3 is the same.
  uint64_t number(uint32_t field) const { return has(numbers_, field) ? number_[field] : 0; }
  // Empty where the field is missing.
  Bytes bytes(uint32_t field) const { return has(blobs_, field) ? blob_[field] : Bytes(); }
  // The first value of a repeated number, packed or not. False: there is none.
  bool first(uint32_t field, uint64_t& value) const;

 private:
  using Mask = std::array<uint64_t, kMaxField / 64>;
  static bool has(const Mask& mask, uint32_t field) { return (mask[field / 64] >> (field % 64) & 1) != 0; }
  static void set(Mask& mask, uint32_t field) { mask[field / 64] |= uint64_t{1} << (field % 64); }

  Mask numbers_{};
  Mask blobs_{};
  std::array<uint64_t, kMaxField> number_;
  std::array<Bytes, kMaxField> blob_;
};

}  // namespace netflowgen::flow
