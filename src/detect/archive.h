// Plain values to bytes and back, one description of a struct for both ways. Little-endian, no padding.
//
// A reader never throws: what does not fit makes it bad(), and values are then zero or empty. Lengths are
// checked against what is left, so a hostile file cannot ask for memory that it has no bytes for.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/random.h"

namespace netflowgen::detect {

inline constexpr int kArchiveVersion = 2;  // of what is written unless asked otherwise

// FNV-1a with the length before it. Guards against damage, not against a hand that means it: what is read is
// checked besides.
inline uint64_t archive_checksum(std::span<const uint8_t> bytes) {
  uint64_t h = base::mix64(bytes.size());
  for (const uint8_t b : bytes) h = (h ^ b) * 0x100000001b3u;
  return h;
}

class ArchiveWriter {
 public:
  explicit ArchiveWriter(int version = kArchiveVersion) : version_(version) {}
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void value(const T& x) {
    const auto* const at = reinterpret_cast<const uint8_t*>(&x);
    bytes_.insert(bytes_.end(), at, at + sizeof x);
  }
  void value(const std::string& x) {
    value(static_cast<uint64_t>(x.size()));
    bytes_.insert(bytes_.end(), x.begin(), x.end());
  }
  template <typename T, size_t N>
  void value(const std::array<T, N>& x) {
    for (const auto& item : x) value(item);
  }
  template <typename T, typename Each>
  void list(const std::vector<T>& x, Each each) {
    value(static_cast<uint64_t>(x.size()));
    for (const auto& item : x) each(*this, const_cast<T&>(item));
  }
  template <typename T, typename Each>
  void maybe(const std::optional<T>& x, Each each) {
    value(x.has_value());
    if (x) each(*this, const_cast<T&>(*x));
  }
  std::vector<uint8_t>& bytes() { return bytes_; }
  int version() const { return version_; }

 private:
  std::vector<uint8_t> bytes_;
  int version_;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(std::span<const uint8_t> bytes, int version = kArchiveVersion)
      : bytes_(bytes), version_(version) {}
  int version() const { return version_; }  // of the file: a description leaves out what it did not have

  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void value(T& x) {
    x = T{};
    if (!take(sizeof x)) return;
    if constexpr (std::is_same_v<T, bool>) {
      x = bytes_[at_ - 1] != 0;
    } else {
      std::memcpy(&x, bytes_.data() + at_ - sizeof x, sizeof x);
    }
  }
  void value(std::string& x) {
    const uint64_t n = size(1);
    x.assign(reinterpret_cast<const char*>(bytes_.data()) + at_, n);
    at_ += n;
  }
  template <typename T, size_t N>
  requires std::is_arithmetic_v<T> &&(!std::is_same_v<T, bool>)void value(std::array<T, N>& x) {
    x = {};
    if (take(sizeof x)) std::memcpy(x.data(), bytes_.data() + at_ - sizeof x, sizeof x);
  }
  template <typename T, typename Each>
  void list(std::vector<T>& x, Each each) {
    const uint64_t n = size(1);
    x.clear();
    for (uint64_t i = 0; i < n && !bad_; ++i) each(*this, x.emplace_back());
  }
  template <typename T, typename Each>
  void maybe(std::optional<T>& x, Each each) {
    bool there = false;
    value(there);
    x.reset();
    if (there) each(*this, x.emplace());
  }
  // A number of items of at least `least` bytes each.
  uint64_t size(size_t least) {
    uint64_t n = 0;
    value(n);
    if (n > (bytes_.size() - at_) / least) {
      bad_ = true;
      n = 0;
    }
    return n;
  }
  bool bad() const { return bad_; }
  bool done() const { return at_ == bytes_.size(); }

 private:
  bool take(size_t n) {
    if (n > bytes_.size() - at_) {
      bad_ = true;
      return false;
    }
    at_ += n;
    return true;
  }
  std::span<const uint8_t> bytes_;
  int version_;
  size_t at_ = 0;
  bool bad_ = false;
};

}  // namespace netflowgen::detect
