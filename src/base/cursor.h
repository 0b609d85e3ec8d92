// Bounds-checked reader over the caller's bytes, network byte order unless said.
//
// Invariants: 1. position() <= size. 2. A read past the end returns zero, moves to the end and sets failed();
// the flag never clears, so that a run of reads is tested once. 3. Nothing is copied or owned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace netflowgen::base {

using Bytes = std::span<const uint8_t>;

// Big-endian loads from unaligned memory. REQUIRES: enough bytes at `p`.
inline uint16_t load_be16(const uint8_t* p) {
  uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap16(v);
}
inline uint32_t load_be32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}
inline uint64_t load_be64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}

class Cursor {
 public:
  explicit Cursor(Bytes bytes) : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  size_t position() const { return static_cast<size_t>(at_ - begin_); }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool failed() const { return failed_; }
  bool ok() const { return !failed_; }

  uint8_t u8() { return need(1) ? *at_++ : uint8_t{0}; }
  uint16_t u16() { return need(2) ? load_be16(advance(2)) : uint16_t{0}; }
  uint32_t u32() { return need(4) ? load_be32(advance(4)) : 0u; }
  uint64_t u64() { return need(8) ? load_be64(advance(8)) : 0u; }
  // The next n bytes, or an empty span (and failed()) when fewer are left.
  Bytes bytes(size_t n) { return need(n) ? Bytes(advance(n), n) : Bytes(); }
  void skip(size_t n) {
    if (need(n)) at_ += n;
  }
  // A cursor over the next n bytes, which this one passes.
  Cursor sub(size_t n) { return Cursor(bytes(n)); }

 private:
  bool need(size_t n) {
    if (left() >= n) [[likely]]
      return true;
    failed_ = true;
    at_ = end_;
    return false;
  }
  const uint8_t* advance(size_t n) {
    const uint8_t* p = at_;
    at_ += n;
    return p;
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

}  // namespace netflowgen::base
