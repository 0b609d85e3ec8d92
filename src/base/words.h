// Words that a person typed, against the words that the program knows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netflowgen::base {

// The known word that a typing error most likely meant (edit distance at most half its length), or "".
std::string nearest(std::string_view word, std::span<const std::string> known);

// "a, b, c".
std::string joined(std::span<const std::string> words);

// The text with ? for each control character, which would move a terminal's cursor, but for those in `keep`.
std::string printable(std::string_view text, std::string_view keep = "");

// The end of a message about an unknown word: "; did you mean 'nodes'?", or "; known: a, b" where nothing is near.
std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace netflowgen::base
