#include "base/words.h"

#include <algorithm>
#include <cstdint>

namespace netflowgen::base {
namespace {

// Edits that turn a into b: a letter more, less or other, or two neighbours swapped, each letter in one edit at most.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, row[j - 1] + 1, last[j] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known) {
  constexpr size_t kLongest = 256;  // of words that are compared; the table's size is the product
  if (word.size() > kLongest) return "";
  std::string best;
  size_t least = SIZE_MAX;
  for (const auto& k : known) {
    if (k.size() > kLongest) continue;
    const size_t distance = edit_distance(word, k);
    if (distance < least) {
      least = distance;
      best = k;
    }
  }
  return least != SIZE_MAX && least * 2 <= std::max(best.size(), word.size()) ? best : "";
}

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const auto& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

std::string printable(std::string_view text, std::string_view keep) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control && keep.find(c) == std::string_view::npos ? '?' : c;
  }
  return out;
}

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  const std::string meant = nearest(word, known);
  return meant.empty() ? "; known: " + joined(known) : "; did you mean '" + meant + "'?";
}

}  // namespace netflowgen::base
