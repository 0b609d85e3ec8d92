// Protobuf's wire format, as far as partial frames need it: varints, fields with a length, packed numbers. Plain functions.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/cursor.h"

namespace netflowgen::series {

using base::Bytes;

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Appends to a buffer. A length takes two octets whatever it is, so that what it counts is written in place.
class WireWriter {
 public:
  static constexpr size_t kMostNested = (1u << 14) - 1;  // what two octets can say

  explicit WireWriter(std::vector<uint8_t>& to) : to_(to) {}

  void varint(uint64_t v) {
    while (v >= 0x80) {
      to_.push_back(static_cast<uint8_t>(v | 0x80));
      v >>= 7;
    }
    to_.push_back(static_cast<uint8_t>(v));
  }
  void tag(uint32_t field, WireType type) { varint(uint64_t{field} << 3 | static_cast<uint64_t>(type)); }
  // Nothing where it is 0, which is what a missing field means.
  void number(uint32_t field, uint64_t v) {
    if (v == 0) return;
    tag(field, WireType::kVarint);
    varint(v);
  }
  void fixed32(uint32_t field, uint32_t v) {
    tag(field, WireType::kFixed32);
    raw(&v, sizeof v);
  }
  void fixed64(uint32_t field, uint64_t v) {
    tag(field, WireType::kFixed64);
    raw(&v, sizeof v);
  }
  void bytes(uint32_t field, const void* data, size_t size) {
    tag(field, WireType::kBytes);
    varint(size);
    raw(data, size);
  }
  // begin(), then what it holds, then end() with what begin() returned. REQUIRES: kMostNested octets at most.
  size_t begin(uint32_t field) {
    tag(field, WireType::kBytes);
    to_.insert(to_.end(), 2, 0);
    return to_.size();
  }
  void end(size_t begun) {
    const size_t length = to_.size() - begun;
    to_[begun - 2] = static_cast<uint8_t>(length | 0x80);
    to_[begun - 1] = static_cast<uint8_t>(length >> 7);
  }

 private:
  void raw(const void* data, size_t size) {
    const auto* p = static_cast<const uint8_t*>(data);
    to_.insert(to_.end(), p, p + size);
  }
  std::vector<uint8_t>& to_;  // little-endian machines only, as all of the project
};

inline uint64_t zigzag(int64_t v) { return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63); }
inline int64_t unzigzag(uint64_t v) { return static_cast<int64_t>(v >> 1 ^ (0 - (v & 1))); }

// Reads field by field. Nothing past the bytes is read, whatever they are; a read that finds none sets failed().
class WireReader {
 public:
  explicit WireReader(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // The next field's number and type. False: the end, or failed().
  bool next(uint32_t& field, WireType& type) {
    if (at_ == end_ || failed_) return false;
    const uint64_t tag = varint();
    field = static_cast<uint32_t>(tag >> 3);
    type = static_cast<WireType>(tag & 7);
    if (tag >> 3 == 0 || tag >> 35 != 0) failed_ = true;
    return !failed_;
  }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) break;
      const uint8_t octet = *at_++;
      v |= uint64_t{octet & 0x7fu} << shift;
      if (octet < 0x80) return v;
    }
    failed_ = true;
    return 0;
  }
  Bytes bytes() {
    const uint64_t size = varint();
    if (failed_ || size > left()) return fail();
    at_ += size;
    return {at_ - size, static_cast<size_t>(size)};
  }
  template <typename T>
  T fixed() {
    T v{};
    if (sizeof v > left()) {
      failed_ = true;
      return v;
    }
    std::memcpy(&v, at_, sizeof v);
    at_ += sizeof v;
    return v;
  }
  // A field that nobody asks for. Groups, which nobody writes any more, are failures.
  void skip(WireType type) {
    switch (type) {
      case WireType::kVarint:
        varint();
        break;
      case WireType::kFixed64:
        fixed<uint64_t>();
        break;
      case WireType::kBytes:
        bytes();
        break;
      case WireType::kFixed32:
        fixed<uint32_t>();
        break;
      default:
        failed_ = true;
    }
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool done() const { return at_ == end_; }
  bool failed() const { return failed_; }

 private:
  Bytes fail() {
    failed_ = true;
    return {};
  }
  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

}  // namespace netflowgen::series
