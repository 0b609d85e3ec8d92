// Numbers, addresses and flags from text, without allocation or locale: the inner loop of every text dialect.
// Each returns false for text that is not one, and then leaves its result alone or half-written.
// Speed: bench/csv.cc.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/ip.h"
#include "base/time.h"
#include "flow/text/digits.h"

namespace netflowgen::flow {

// Text without the spaces around it.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A decimal number as a double ("1.5e3", "0.291"); false for anything that is not finite.
bool parse_double(std::string_view text, double& value);

// The long way round for parse_u64: "1e6", "123.0", "+5", "0x1f".
bool parse_u64_slow(std::string_view text, uint64_t& value);

// An integer >= 0. The forms that other tools write are accepted too: "123.0", "1e6", hexadecimal "0x1f".
inline bool parse_u64(std::string_view text, uint64_t& value) {
  if (text.empty() || text.size() > 19) return parse_u64_slow(text, value);
  uint64_t v = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return parse_u64_slow(text, value);
    v = v * 10 + digit;
  }
  value = v;
  return true;
}

// The same for cells. REQUIRES: kCellPadding readable bytes behind the text.
inline bool parse_u64_cell(std::string_view text, uint64_t& value) {
  uint64_t v = 0;
  if (text.empty() || text.size() > 16 || !parse_16_digits(text.data(), text.size(), v)) [[unlikely]]
    return parse_u64(text, value);
  value = v;
  return true;
}

// The long way round for parse_scaled_ms: signs, exponents, other scales than 1.
bool parse_scaled_ms_slow(std::string_view text, double scale, int64_t& ms);

// A Unix time with a fraction, "1767225600.305988", in milliseconds. False: another form.
inline bool parse_unix_fraction(std::string_view text, int64_t& ms) {
  constexpr uint64_t kInMs[] = {0, 0, 0, 1, 10, 100, 1000, 10'000, 100'000};
  const size_t digits = text.size() - 11;
  if (digits < 3 || digits > 8 || text[10] != '.') return false;
  uint64_t whole = 0;
  uint64_t fraction = 0;
  if (!parse_16_digits(text.data(), 10, whole)) return false;
  if (!parse_last_digits(text.data() + text.size(), digits, fraction)) return false;
  ms = static_cast<int64_t>(whole * 1000 + (fraction + kInMs[digits] / 2) / kInMs[digits]);
  return true;
}

// Seconds with a fraction, times `scale`, in milliseconds, rounded; may be negative.
inline bool parse_scaled_ms(std::string_view text, double scale, int64_t& ms) {
  if (scale != 1 || text.empty() || text.size() > 19) return parse_scaled_ms_slow(text, scale, ms);
  if (text.size() > 13 && parse_unix_fraction(text, ms)) return true;
  if (text.size() > 18) return parse_scaled_ms_slow(text, scale, ms);
  const char* p = text.data();
  const char* const end = p + text.size();
  int64_t whole = 0;
  for (; p != end && static_cast<unsigned>(*p - '0') <= 9; ++p) whole = whole * 10 + (*p - '0');
  if (p == text.data() || p - text.data() > 11) return parse_scaled_ms_slow(text, scale, ms);
  int64_t fraction = 0;
  if (p != end && *p == '.') {
    const char* const point = p++;
    for (; p != end && static_cast<unsigned>(*p - '0') <= 9; ++p) fraction = fraction * 10 + (*p - '0');
    const auto digits = p - point - 1;
    if (digits == 0 || digits > 9) return parse_scaled_ms_slow(text, scale, ms);
    constexpr int64_t kPowers[] = {1,       10,        100,        1000,        10'000,
                                   100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
    fraction *= kPowers[9 - digits];  // in nanoseconds
  }
  if (p != end) return parse_scaled_ms_slow(text, scale, ms);
  ms = whole * 1000 + (fraction + 500'000) / 1'000'000;
  return true;
}

// Dotted IPv4 (leading zeros allowed) or IPv6.
inline bool parse_address(std::string_view text, base::IpAddr& out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (p == end) return false;
    auto n = static_cast<unsigned>(*p - '0');
    if (n > 9) break;
    ++p;
    for (int k = 0; k < 2 && p != end; ++k, ++p) {
      const auto digit = static_cast<unsigned>(*p - '0');
      if (digit > 9) break;
      n = n * 10 + digit;
    }
    if (n > 255) break;
    value = value << 8 | n;
    if (part == 3) {
      if (p != end) return false;
      out = base::IpAddr::v4(value);
      return true;
    }
    if (p == end || *p != '.') break;
    ++p;
  }
  const auto address = base::IpAddr::parse(text);  // IPv6, or no address at all
  if (address) out = *address;
  return address.has_value();
}

// The same for cells. REQUIRES: kCellPadding readable bytes behind the text.
inline bool parse_address_cell(std::string_view text, base::IpAddr& out) {
  return parse_v4(text, out) || parse_address(text, out);
}

// TCP flags as letters in any order with dots or blanks between (".AP.SF", "FSPA", "S"), or a number.
bool parse_tcp_flags(std::string_view text, uint8_t& flags);

// "00:11:22:aa:bb:cc", also with dashes.
bool parse_mac(std::string_view text, uint8_t (&mac)[6]);

}  // namespace netflowgen::flow
