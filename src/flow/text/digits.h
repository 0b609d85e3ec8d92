// Runs of decimal digits as numbers, eight at a time, without a branch on how many there are: lengths in flow files are
// random, and a mispredicted branch costs more than the whole run. Speed: bench/json.cc, bench/csv.cc.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/ip.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace netflowgen::flow {

// Bytes behind a cell that its parser may read (not use).
inline constexpr size_t kCellPadding = 16;

namespace digits_internal {

inline constexpr bool kLittle = std::endian::native == std::endian::little;

inline uint64_t load_8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

// The first n of 8 characters as values of digits in the upper bytes, zeros below. REQUIRES: 1 <= n <= 8.
inline uint64_t first_digits(uint64_t characters, size_t n) {
  return (characters ^ 0x3030303030303030u) << (64 - 8 * n);
}

// Whether every byte is 9 or less.
inline bool all_digits(uint64_t values) {
  return (((values + 0x0606060606060606u) | values) & 0xf0f0f0f0f0f0f0f0u) == 0;
}

// The number that eight values make, the first in the lowest byte.
inline uint64_t number_of(uint64_t values) {
  values = values * 10 + (values >> 8);  // pairs, in every other byte
  constexpr uint64_t kPairs = 0x000000ff000000ffu;
  return ((values & kPairs) * 0x000f424000000064u + ((values >> 16) & kPairs) * 0x0000271000000001u) >> 32;
}

}  // namespace digits_internal

// The number of 1 to 8 digits at p. False: something else is among them. REQUIRES: 8 readable bytes.
inline bool parse_8_digits(const char* p, size_t n, uint64_t& value) {
  using namespace digits_internal;
  if constexpr (kLittle) {
    const uint64_t values = first_digits(load_8(p), n);
    value = number_of(values);
    return all_digits(values);
  } else {
    uint64_t v = 0;
    for (size_t i = 0; i < n; ++i) {
      const auto digit = static_cast<unsigned>(p[i] - '0');
      if (digit > 9) return false;
      v = v * 10 + digit;
    }
    value = v;
    return true;
  }
}

// The number of 1 to 16 digits at p, as above. REQUIRES: 8 readable bytes, and n of them.
inline bool parse_16_digits(const char* p, size_t n, uint64_t& value) {
  if (n <= 8) return parse_8_digits(p, n, value);
  uint64_t high = 0;
  uint64_t low = 0;
  if (!parse_8_digits(p, n - 8, high) || !parse_8_digits(p + n - 8, 8, low)) return false;
  value = high * 100'000'000 + low;
  return true;
}

// The number of 8 to 19 digits at p, as above. REQUIRES: n readable bytes.
inline bool parse_19_digits(const char* p, size_t n, uint64_t& value) {
  uint64_t high = 0;
  if (n > 16) {
    if (!parse_8_digits(p, n - 16, high)) return false;
    p += n - 16;
    n = 16;
  }
  if (!parse_16_digits(p, n, value)) return false;
  value += high * 10'000'000'000'000'000;
  return true;
}

// The number of the 1 to 8 digits before `end`. REQUIRES: 8 readable bytes before `end`.
inline bool parse_last_digits(const char* end, size_t n, uint64_t& value) {
  using namespace digits_internal;
  if constexpr (kLittle) {
    const size_t others = 64 - 8 * n;
    const uint64_t values = (load_8(end - 8) ^ 0x3030303030303030u) >> others << others;
    value = number_of(values);
    return all_digits(values);
  } else {
    return parse_8_digits(end - n, n, value);
  }
}

// Dotted IPv4 of at most 15 characters; leading zeros are allowed. False: it is none, or not told here. REQUIRES:
// kCellPadding readable bytes behind the text.
inline bool parse_v4(std::string_view text, base::IpAddr& out) {
#if defined(__SSE2__)
  const size_t size = text.size();
  if (size < 7 || size > 15) return false;
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data()));
  const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'))));
  const unsigned dots = found & ((1u << size) - 1);
  const unsigned second = dots & (dots - 1);  // without the first
  const unsigned third = second & (second - 1);
  if (third == 0 || (third & (third - 1)) != 0) return false;
  const auto a = static_cast<unsigned>(std::countr_zero(dots));
  const auto b = static_cast<unsigned>(std::countr_zero(second));
  const auto c = static_cast<unsigned>(std::countr_zero(third));
  const unsigned lengths[4] = {a, b - a - 1, c - b - 1, static_cast<unsigned>(size) - c - 1};
  const unsigned starts[4] = {0, a + 1, b + 1, c + 1};
  uint32_t address = 0;
  uint32_t bad = 0;
  for (int i = 0; i < 4; ++i) {
    uint32_t values;
    std::memcpy(&values, text.data() + starts[i], 4);
    bad |= (lengths[i] - 1) & ~3u;  // none
    bad |= lengths[i] >> 2;         // four or more
    values = (values ^ 0x30303030u) << (32 - 8 * (lengths[i] & 3u)) % 32;
    bad |= ((values + 0x06060606u) | values) & 0xf0f0f0f0u;
    const uint32_t part = (values >> 24) + 10 * (values >> 16 & 0xff) + 100 * (values >> 8 & 0xff);
    bad |= part >> 8;
    address = address << 8 | part;
  }
  if (bad != 0) return false;
  out = base::IpAddr::v4(address);
  return true;
#else
  static_cast<void>(text);
  static_cast<void>(out);
  return false;
#endif
}

}  // namespace netflowgen::flow
