// Finds where one JSON object ends, by its braces and strings; a document may come in pieces. It does not validate: it
// stops early only at what no object can hold (a raw line break in a string, a brace where a key must be), so that a
// damaged object does not swallow those behind it. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace netflowgen::flow {

inline bool is_json_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
// What is between documents: blanks, commas and brackets of arrays, and the record separator of RFC 7464.
inline bool is_json_separator(char c) {
  return is_json_blank(c) || c == ',' || c == '[' || c == ']' || c == '\x1e';
}

// Whether an array of records under this key makes an object a wrapper.
bool is_json_wrapper(std::string_view key);

class JsonScan {
 public:
  enum class State : uint8_t {
    kMore,     // all bytes are inside the object
    kEnd,      // the object ends at position()
    kDamaged,  // it is none from position() on
    kWrapper,  // position() is behind the "[" of a wrapper's array of objects
  };

  // Continues where it was. `bytes` begins with the object's "{" and holds at least what it held before.
  State run(std::string_view bytes);
  size_t position() const { return at_; }
  void reset() { *this = {}; }
  // Continues inside an object whose array has ended: what is left of a wrapper.
  void enter_rest_of_wrapper();

 private:
  static constexpr int kMaxDepth = 64;

  State structural(char c, std::string_view bytes);
  State string(std::string_view bytes);

  size_t at_ = 0;
  int depth_ = 0;
  uint64_t arrays_ = 0;  // bit d: the container at depth d + 1 is an array
  char before_ = ':';    // the last character that is no white space: '"' for a string, 'v' for another value
  bool in_string_ = false;
  bool seeks_wrapper_ = true;
  bool pending_wrapper_ = false;
  size_t key_at_ = 0;  // of the last string at depth 1
  size_t key_size_ = 0;
};

}  // namespace netflowgen::flow
