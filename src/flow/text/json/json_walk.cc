// Invariants: 1. The NUL behind the bytes ends strings, numbers and literals, so nothing is compared with an end. 2. A
// block is loaded only where all bytes before it were looked at, so less than two blocks behind the NUL are read.
//
// Blocks of 32 and 64 bytes (AVX2, AVX-512) were tried and were not faster: most values and literals are short.
#include "flow/text/json/json_walk.h"

#include <array>
#include <bit>
#include <cstring>

#include "flow/text/json/json_scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace netflowgen::flow {
namespace {

using walk_internal::kWalkBytes;

class Block {
 public:
  using Mask = uint32_t;  // bit i: of byte i
  static constexpr size_t kWidth = kWalkBlock;
  static constexpr Mask kAll = 0xffffu;

#if defined(__SSE2__)
  explicit Block(const char* p) : bytes_(load(p)) {}
  Mask string_ends() const {
    const __m128i quote = _mm_cmpeq_epi8(bytes_, load(kWalkBytes.quotes));
    const __m128i escape = _mm_cmpeq_epi8(bytes_, load(kWalkBytes.escapes));
    const __m128i odd = _mm_cmplt_epi8(bytes_, load(kWalkBytes.blanks));  // signed: also 0x80 and above
    return mask(_mm_or_si128(_mm_or_si128(quote, escape), odd));
  }
  Mask no_digits() const {
    const __m128i low = _mm_cmplt_epi8(bytes_, load(kWalkBytes.zeros));
    const __m128i high = _mm_cmpgt_epi8(bytes_, load(kWalkBytes.nines));
    return mask(_mm_or_si128(low, high));
  }
  Mask differ(const char* other) const { return mask(_mm_cmpeq_epi8(bytes_, load(other))) ^ kAll; }

 private:
  static __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static Mask mask(__m128i bytes) { return static_cast<Mask>(_mm_movemask_epi8(bytes)); }

  __m128i bytes_;
#else
  explicit Block(const char* p) : bytes_(p) {}
  Mask string_ends() const {
    return mask([](unsigned char c) { return c == '"' || c == '\\' || c < 0x20 || c >= 0x80; });
  }
  Mask no_digits() const {
    return mask([](unsigned char c) { return c < '0' || c > '9'; });
  }
  Mask differ(const char* other) const {
    Mask out = 0;
    for (size_t i = 0; i < kWidth; ++i) out |= Mask{bytes_[i] != other[i]} << i;
    return out;
  }

 private:
  template <typename Is>
  Mask mask(Is is) const {
    Mask out = 0;
    for (size_t i = 0; i < kWidth; ++i) out |= Mask{is(static_cast<unsigned char>(bytes_[i]))} << i;
    return out;
  }

  const char* bytes_;
#endif
};

using Mask = Block::Mask;

inline size_t first_of(Mask mask) { return static_cast<size_t>(std::countr_zero(mask)); }

// The first byte that ends a plain string: a quote, an escape, a control character or a byte that is not ASCII.
inline const char* string_end(const char* p) {
  while (true) {
    const Mask mask = Block(p).string_ends();
    if (mask != 0) [[likely]]
      return p + first_of(mask);
    p += Block::kWidth;
  }
}

inline const char* digits_end(const char* p) {
  constexpr size_t kMostDigits = 64;
  for (size_t i = 0; i < kMostDigits; i += Block::kWidth, p += Block::kWidth) {
    const Mask mask = Block(p).no_digits();
    if (mask != 0) [[likely]]
      return p + first_of(mask);
  }
  return p;
}

inline bool matches(const WalkEdge& edge, const char* p) {
  if (edge.size <= Block::kWidth) [[likely]]
    return (Block(p).differ(edge.literal) & edge.bytes) == 0;
  const char* literal = edge.literal;
  size_t left = edge.size;
  for (; left > Block::kWidth; left -= Block::kWidth, p += Block::kWidth, literal += Block::kWidth) {
    if (Block(p).differ(literal) != 0) return false;
  }
  return (Block(p).differ(literal) << (Block::kWidth - left) & Block::kAll) == 0;
}

inline const WalkEdge* next_edge(const WalkState& state, const char* p) {
  if (matches(state.edge[0], p)) [[likely]]
    return state.edge;
  for (const WalkEdge *edge = state.edge + 1, *end = state.edge + state.edges; edge < end; ++edge) {
    if (matches(*edge, p)) return edge;
  }
  return nullptr;
}

// Where a text ends that began at `p`: by the guessed length, where that is right, so that the processor need not know the
// end before it goes on.
inline const char* guessed(WalkState* state, const char* p, const char* end) {
  if (state->wrong >= kMaxWrong) return end;
  const size_t length = state->length;
  size_t same = length;
  asm("" : "+r"(same));  // the compiler would take end - p, which is equal
  if (static_cast<size_t>(end - p) == length) [[likely]]
    return p + same;
  state->length = static_cast<uint8_t>(end - p);
  ++state->wrong;
  return end;
}

// Behind a number without a sign and an exponent whose integer part is below 9 * 10^18; nullptr: none.
inline const char* number_end(const char* p) {
  const char* end = digits_end(p);
  const auto digits = end - p;
  if (digits >= 19 && (digits > 19 || *p == '9')) [[unlikely]]
    return nullptr;
  if (*p == '0' && digits > 1) return nullptr;
  if (*end != '.') return end;
  const char* const fraction = end + 1;
  end = digits_end(fraction);
  return end == fraction || end - fraction > 31 ? nullptr : end;
}

// The size of the word at p; 0: none.
inline size_t word_at(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, 4);
  constexpr uint32_t kTrue = std::bit_cast<uint32_t>(std::array{'t', 'r', 'u', 'e'});
  constexpr uint32_t kNull = std::bit_cast<uint32_t>(std::array{'n', 'u', 'l', 'l'});
  constexpr uint32_t kFals = std::bit_cast<uint32_t>(std::array{'f', 'a', 'l', 's'});
  if (word == kTrue || word == kNull) return 4;
  return word == kFals && p[4] == 'e' ? 5 : 0;
}

const char* pass_word(const char* p, std::string_view word) {
  return std::strncmp(p, word.data(), word.size()) == 0 ? p + word.size() : nullptr;
}

const char* pass_blanks(const char* p) {
  while (is_json_blank(*p)) ++p;
  return p;
}

const char* pass_scalar(const char* p) {
  switch (*p) {
    case '"':
      p = string_end(p + 1);
      return *p == '"' ? p + 1 : nullptr;
    case 't':
      return pass_word(p, "true");
    case 'f':
      return pass_word(p, "false");
    case 'n':
      return pass_word(p, "null");
    case '-':
      ++p;
      break;
    default:
      break;
  }
  return static_cast<unsigned>(*p - '0') <= 9 ? number_end(p) : nullptr;
}

// An array of scalars. Others are left to the parser.
const char* pass_array(const char* p) {
  p = pass_blanks(p + 1);
  if (*p == ']') return p + 1;
  while (true) {
    p = pass_scalar(p);
    if (p == nullptr) return nullptr;
    p = pass_blanks(p);
    if (*p == ']') return p + 1;
    if (*p != ',') return nullptr;
    p = pass_blanks(p + 1);
  }
}

}  // namespace

const char* pass_json_value(const char* p) { return *p == '[' ? pass_array(p) : pass_scalar(p); }

WalkResult walk(WalkState* state, const WalkState* last, const char* bytes, std::string_view* cells) {
  const char* p = bytes;
  uint64_t present[2] = {0, 0};
  int read = 0;
  while (true) {
    const WalkEdge* const edge = next_edge(*state, p);
    if (edge == nullptr || edge->to == nullptr) return {};
    p += edge->size;
    state = edge->to;
    if (state == last) break;
    const char* text = p;
    const char* end;
    if (*p == '"') {
      ++text;
      end = string_end(text);
      if (*end != '"') return {};
      end = guessed(state, text, end);
      p = end + 1;
    } else if (static_cast<unsigned>(*p - '0') <= 9) {
      end = number_end(p);
      if (end == nullptr) return {};
      p = end = guessed(state, text, end);
    } else if (const size_t word = word_at(p); word != 0) {
      p += word;
      end = *text == 'n' ? text : p;
    } else {
      p = pass_json_value(p);
      if (p == nullptr) return {};
      if (*text == '[') continue;
      end = p;
    }
    if (state->column == kUnread) continue;
    ++read;
    present[0] |= state->columns[0];
    present[1] |= state->columns[1];
    cells[state->column] = std::string_view(text, static_cast<size_t>(end - text));
  }
  if (std::popcount(present[0]) + std::popcount(present[1]) != read) return {};  // a key came twice
  return {static_cast<size_t>(p - bytes), {present[0], present[1]}};
}

}  // namespace netflowgen::flow
