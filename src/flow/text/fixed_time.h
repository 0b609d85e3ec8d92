// Dates and times of day in fixed columns, eight characters at a time. False: another form, which may still be a time
// (time_format.cc).
#pragma once

#include <cstdint>

#include "flow/text/digits.h"

namespace netflowgen::flow {

// Two digits at an even place of values (digits.h), as a number.
constexpr unsigned pair_at(uint64_t pairs, unsigned byte) { return pairs >> (8 * byte) & 0xff; }

// "2024-01-31" at p, with - or /. REQUIRES: 10 readable bytes.
inline bool fixed_date(const char* p, unsigned& year, unsigned& month, unsigned& day) {
  using namespace digits_internal;
  if (!kLittle || (p[4] != '-' && p[4] != '/') || p[7] != p[4]) return false;
  const uint64_t mark = uint64_t{static_cast<uint8_t>(p[4])};
  const uint64_t values = load_8(p) ^ (0x0030300030303030u | mark << 32 | mark << 56);
  const auto ten = static_cast<unsigned>(p[8] - '0');
  const auto one = static_cast<unsigned>(p[9] - '0');
  if (!all_digits(values) || ten > 9 || one > 9) return false;
  const uint64_t pairs = values * 10 + (values >> 8);
  year = pair_at(pairs, 0) * 100 + pair_at(pairs, 2);
  month = pair_at(pairs, 5);
  day = ten * 10 + one;
  return true;
}

// "08:12:00" at p. REQUIRES: 8 readable bytes.
inline bool fixed_clock(const char* p, unsigned& hour, unsigned& minute, unsigned& second) {
  using namespace digits_internal;
  if (!kLittle) return false;
  const uint64_t values = load_8(p) ^ 0x30303a30303a3030u;
  constexpr uint64_t kMarks = 0x0000ff0000ff0000u;
  if (!all_digits(values) || (values & kMarks) != 0) return false;
  const uint64_t pairs = values * 10 + (values >> 8);
  hour = pair_at(pairs, 0);
  minute = pair_at(pairs, 3);
  second = pair_at(pairs, 6);
  return true;
}

}  // namespace netflowgen::flow
