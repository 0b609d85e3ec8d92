#include "flow/text/json/json_shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "flow/text/json/json_scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace netflowgen::flow {
namespace {

constexpr uint16_t kStart = 0;
constexpr uint16_t kEnd = 1;
constexpr uint64_t kMaxLearnt = 100000;  // objects looked at: a file without a shape costs no more than this

// Bit i: p[i] ends a plain string: a quote, an escape, a control character or a byte that is not ASCII.
inline unsigned string_ends(const char* p) {
#if defined(__SSE2__)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i escape = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));  // signed: also 0x80 and above
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, escape), odd)));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) {
    const auto c = static_cast<unsigned char>(p[i]);
    mask |= static_cast<unsigned>(c == '"' || c == '\\' || c < 0x20 || c >= 0x80) << i;
  }
  return mask;
#endif
}

// Bit i: p[i] is no digit.
inline unsigned no_digits(const char* p) {
#if defined(__SSE2__)
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8('0'));
  const __m128i high = _mm_cmpgt_epi8(bytes, _mm_set1_epi8('9'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, high)));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= static_cast<unsigned>(p[i] < '0' || p[i] > '9') << i;
  return mask;
#endif
}

// Behind the quote that ends the string at `p`; nullptr: it is none of the plain ones.
inline const char* pass_string(const char* p, const char* end) {
  for (++p; p < end; p += 16) {
    const unsigned mask = string_ends(p);
    if (mask == 0) continue;
    p += std::countr_zero(mask);
    return p < end && *p == '"' ? p + 1 : nullptr;
  }
  return nullptr;
}

// At most 32 digits: reads no further than that.
inline const char* pass_digits(const char* p) {
  const unsigned mask = no_digits(p);
  if (mask != 0) return p + std::countr_zero(mask);
  const unsigned more = no_digits(p + 16);
  return p + 16 + (more == 0 ? 16 : std::countr_zero(more));
}

// A number without an exponent, its integer part below 9 * 10^18: what every parser holds in 64 bits.
inline const char* pass_number(const char* p, const char* end) {
  if (*p == '-') ++p;
  const char* const whole = p;
  p = pass_digits(p);
  const auto digits = p - whole;
  const bool fits = digits < 19 || (digits == 19 && *whole < '9');
  if (digits == 0 || !fits || (*whole == '0' && digits > 1)) return nullptr;
  if (*p == '.') {
    const char* const fraction = ++p;
    p = pass_digits(p);
    if (p == fraction || p - fraction > 31) return nullptr;
  }
  return p >= end ? nullptr : p;
}

const char* pass_word(const char* p, const char* end, std::string_view word) {
  return static_cast<size_t>(end - p) > word.size() && std::memcmp(p, word.data(), word.size()) == 0
             ? p + word.size()
             : nullptr;
}

inline const char* pass_scalar(const char* p, const char* end) {
  switch (*p) {
    case '"':
      return pass_string(p, end);
    case 't':
      return pass_word(p, end, "true");
    case 'f':
      return pass_word(p, end, "false");
    case 'n':
      return pass_word(p, end, "null");
    default:
      return pass_number(p, end);
  }
}

const char* pass_blanks(const char* p, const char* end) {
  while (p < end && is_json_blank(*p)) ++p;
  return p;
}

// An array of scalars. Others are left to the parser.
const char* pass_array(const char* p, const char* end) {
  p = pass_blanks(p + 1, end);
  if (p < end && *p == ']') return p + 1;
  while (p < end) {
    p = pass_scalar(p, end);
    if (p == nullptr) return nullptr;
    p = pass_blanks(p, end);
    if (p >= end) return nullptr;
    if (*p == ']') return p + 1;
    if (*p != ',') return nullptr;
    p = pass_blanks(p + 1, end);
  }
  return nullptr;
}

inline const char* pass_value(const char* p, const char* end) {
  return *p == '[' ? pass_array(p, end) : pass_scalar(p, end);
}

// Whether the literal is at `p`. REQUIRES: 16 readable bytes behind its last block of 16.
inline bool same(const char* p, const char* literal, size_t size) {
#if defined(__SSE2__)
  while (true) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(literal));
    const auto equal = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
    if (size <= 16) return ((~equal) & ((1u << size) - 1)) == 0;
    if (equal != 0xffff) return false;
    p += 16;
    literal += 16;
    size -= 16;
  }
#else
  return std::memcmp(p, literal, size) == 0;
#endif
}

}  // namespace

void JsonShape::reset() {
  states_.assign(2, {});
  states_.reserve(kMaxStates);
  known_.clear();
  key_of_container_.assign(1, 0);
  containers_ = 1;
}

// The edge whose literal is at `p`; the one found is tried first the next time.
inline const JsonShape::Edge* JsonShape::next_edge(State& state, const char* p, const char* end) {
  const auto left = static_cast<size_t>(end - p);
  for (uint8_t i = 0; i < state.edges; ++i) {
    const Edge& edge = state.edge[i];
    if (edge.size <= left && same(p, edge.literal, edge.size)) return &edge;
  }
  return nullptr;
}

size_t JsonShape::read(std::string_view bytes, JsonCells& cells) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  cells.clear();
  State* state = &states_[kStart];
  while (true) {
    const Edge* edge = next_edge(*state, p, end);
    if (edge == nullptr) return 0;
    p += edge->size;
    if (edge->to == kEnd) return static_cast<size_t>(p - bytes.data());
    state = &states_[edge->to];
    if (p >= end) return 0;
    const char* const after = pass_value(p, end);
    if (after == nullptr) return 0;
    if (state->column != kNoColumn && *p != '[') {
      std::string_view text(p, static_cast<size_t>(after - p));
      if (*p == '"') text = text.substr(1, text.size() - 2);
      if (*p == 'n') text = {};
      if (!cells.set(state->column, text)) return 0;
    }
    p = after;
  }
}

// The state of a key in a container, or the container that it opens; made where it is new. kNoKey: there is no room.
uint16_t JsonShape::find(uint16_t container, std::string_view key, bool opens) {
  auto it = std::find_if(known_.begin(), known_.end(),
                         [&](const Known& k) { return k.container == container && k.key == key; });
  if (it == known_.end()) {
    if (known_.size() >= kMaxStates) return kNoKey;
    it = known_.insert(known_.end(), {container, std::string(key), kNoKey, kNoKey});
  }
  const uint16_t in_plan = plan_.child(key_of_container_[container], key);
  if (opens) {
    if (it->inner == kNoKey) {
      it->inner = containers_++;
      key_of_container_.push_back(in_plan);
    }
    return it->inner;
  }
  if (it->state == kNoKey) {
    if (states_.size() >= kMaxStates) return kNoKey;
    it->state = static_cast<uint16_t>(states_.size());
    states_.emplace_back();
    if (in_plan != kNoKey) states_.back().column = plan_.keys[in_plan].column;
  }
  return it->state;
}

void JsonShape::add_edge(uint16_t from, std::string_view literal, uint16_t to) {
  State& state = states_[from];
  for (uint8_t i = 0; i < state.edges; ++i) {
    if (std::string_view(state.edge[i].literal, state.edge[i].size) == literal) return;
  }
  const bool full = state.edges == kMaxEdges;
  Edge& edge = state.edge[full ? state.oldest : state.edges];
  if (full) {
    state.oldest = static_cast<uint8_t>((state.oldest + 1) % kMaxEdges);
  } else {
    ++state.edges;
  }
  edge.size = static_cast<uint8_t>(literal.size());
  edge.to = to;
  std::memcpy(edge.literal, literal.data(), literal.size());
}

// Walks an object that is valid JSON, and adds its literals as edges.
class JsonShape::Learner {
 public:
  Learner(JsonShape& shape, std::string_view document)
      : shape_(shape), p_(document.data()), end_(p_ + document.size()) {
    literal_ = p_;
  }

  void run() {
    if (object(0, 0)) edge(kEnd);
  }

 private:
  bool object(uint16_t container, int depth) {
    if (depth == kMaxDepth) return false;
    p_ = pass_blanks(p_ + 1, end_);
    if (p_ < end_ && *p_ == '}') {
      ++p_;
      return true;
    }
    while (p_ < end_) {
      if (!member(container, depth)) return false;
      p_ = pass_blanks(p_, end_);
      if (p_ >= end_) return false;
      if (*p_++ == '}') return true;
      p_ = pass_blanks(p_, end_);
    }
    return false;
  }

  bool member(uint16_t container, int depth) {
    const char* const name = p_ + 1;
    p_ = pass_string(p_, end_);
    if (p_ == nullptr) return false;
    const std::string_view key(name, static_cast<size_t>(p_ - name - 1));
    p_ = pass_blanks(p_, end_);
    p_ = pass_blanks(p_ + 1, end_);  // behind the colon
    if (p_ >= end_) return false;
    if (*p_ == '{') {
      const uint16_t inner = shape_.find(container, key, true);
      return inner != kNoKey && object(inner, depth + 1);
    }
    const uint16_t state = shape_.find(container, key, false);
    if (state == kNoKey || !edge(state)) return false;
    p_ = pass_value(p_, end_);
    literal_ = p_;
    return p_ != nullptr;
  }

  bool edge(uint16_t to) {
    const std::string_view literal(literal_, static_cast<size_t>(p_ - literal_));
    if (literal.size() > kMaxLiteral) return false;
    shape_.add_edge(from_, literal, to);
    from_ = to;
    return true;
  }

  JsonShape& shape_;
  const char* p_;
  const char* const end_;
  const char* literal_ = nullptr;
  uint16_t from_ = kStart;
};

void JsonShape::learn(std::string_view document) {
  if (!plan_.tuples.empty() || learnt_ == kMaxLearnt) return;
  ++learnt_;
  Learner(*this, document).run();
}

}  // namespace netflowgen::flow
