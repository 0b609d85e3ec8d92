#include "base/words.h"

#include <algorithm>
#include <cstdint>

namespace netflowgen::base {
namespace {

// Levenshtein's distance, one row of its table at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
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

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  const std::string meant = nearest(word, known);
  return meant.empty() ? "; known: " + joined(known) : "; did you mean '" + meant + "'?";
}

}  // namespace netflowgen::base
