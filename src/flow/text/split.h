// Splits one line into cells, 64 bytes at a time: a mask of separators, then one iteration a cell.
//
// Quotes as in RFC 4180, but a line is a row: a line break inside quotes is not supported, so that line
// numbers are row numbers and an unclosed quote spoils one row, not the rest of the file. A quote inside an
// unquoted cell is an ordinary character. Speed: bench/csv.cc.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace netflowgen::flow {

// Bytes past the end of a line that may be read (not used): the caller's buffer must have them.
inline constexpr size_t kLinePadding = 64;  // more than kCellPadding
inline constexpr size_t kMaxColumns = 1024;
inline constexpr size_t kUnclosedQuote = SIZE_MAX;

// Bit i: p[i] == c, for 64 bytes.
inline uint64_t match_64(const char* p, char c) {
#if defined(__SSE2__)
  const __m128i want = _mm_set1_epi8(c);
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    const auto bits = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, want)));
    mask |= uint64_t{bits} << (16 * i);
  }
  return mask;
#else
  uint64_t mask = 0;
  for (int i = 0; i < 64; ++i) mask |= uint64_t{p[i] == c} << i;
  return mask;
#endif
}

// The reference implementation, and the way for lines with quotes.
inline size_t split_cells_slow(std::string_view line, char separator, char quote, size_t wanted,
                               uint32_t* ends) {
  size_t count = 0;
  size_t i = 0;
  while (true) {
    size_t start = i;
    while (start < line.size() && line[start] == ' ') ++start;
    if (quote != '\0' && start < line.size() && line[start] == quote) {
      i = start + 1;
      while (true) {
        i = line.find(quote, i);
        if (i == std::string_view::npos) return kUnclosedQuote;
        if (i + 1 >= line.size() || line[i + 1] != quote) break;
        i += 2;  // a doubled quote is one inside
      }
    }
    i = std::min(line.find(separator, i), line.size());
    if (count < wanted) ends[count] = static_cast<uint32_t>(i);
    ++count;
    if (i == line.size()) return count;
    ++i;
  }
}

// Writes where each of the first `wanted` cells ends and returns how many cells there are in all, or
// kUnclosedQuote. REQUIRES: kLinePadding readable bytes after `line`; `ends` holds `wanted`; line.size() <
// 2^32.
inline size_t split_cells(std::string_view line, char separator, char quote, size_t wanted, uint32_t* ends) {
  size_t count = 0;
  for (size_t at = 0; at < line.size(); at += 64) {
    const char* p = line.data() + at;
    const size_t left = line.size() - at;
    const uint64_t valid = left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    if (quote != '\0' && (match_64(p, quote) & valid) != 0) [[unlikely]]
      return split_cells_slow(line, separator, quote, wanted, ends);
    uint64_t mask = match_64(p, separator) & valid;
    while (mask != 0 && count < wanted) {
      ends[count++] = static_cast<uint32_t>(at + static_cast<size_t>(std::countr_zero(mask)));
      mask &= mask - 1;
    }
    for (; mask != 0; mask &= mask - 1)
      ++count;  // few; a population count is a call where no instruction is sure
  }
  if (count < wanted) ends[count] = static_cast<uint32_t>(line.size());
  return count + 1;
}

// Cell `i`, without the spaces and quotes around it.
inline std::string_view cell_at(std::string_view line, const uint32_t* ends, size_t i, char quote) {
  const size_t begin = i == 0 ? 0 : ends[i - 1] + size_t{1};
  std::string_view cell = line.substr(begin, ends[i] - begin);
  while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
  while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
  if (quote != '\0' && cell.size() >= 2 && cell.front() == quote && cell.back() == quote) {
    cell = cell.substr(1, cell.size() - 2);
    while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
    while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
  }
  return cell;
}

}  // namespace netflowgen::flow
