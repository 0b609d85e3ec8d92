#include "flow/text/json/json_shape.h"

#include <algorithm>
#include <cstring>

#include "flow/text/json/json_scan.h"

namespace netflowgen::flow {
namespace {

constexpr uint16_t kStart = 0;
constexpr uint16_t kEnd = 1;
constexpr uint64_t kMaxLearnt = 100000;  // objects looked at: a file without a shape costs no more than this

const char* pass_blanks(const char* p) {
  while (is_json_blank(*p)) ++p;
  return p;
}

constexpr walk_internal::WalkBytes walk_bytes() {
  walk_internal::WalkBytes b{};
  for (size_t i = 0; i < kWalkBlock; ++i) {
    b.quotes[i] = '"';
    b.escapes[i] = '\\';
    b.blanks[i] = ' ';
    b.zeros[i] = '0';
    b.nines[i] = '9';
  }
  return b;
}

}  // namespace

const walk_internal::WalkBytes walk_internal::kWalkBytes = walk_bytes();

void JsonShape::reset() {
  states_.reserve(kMaxStates);
  states_.assign(2, {});
  known_.clear();
  key_of_container_.assign(1, 0);
  containers_ = 1;
}

size_t JsonShape::read(std::string_view bytes, JsonCells& cells) {
  const WalkResult result = walk(&states_[kStart], &states_[kEnd], bytes.data(), cells.cell.data());
  cells.present = {result.present[0], result.present[1]};
  return result.size;
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
    const uint16_t column = in_plan == kNoKey ? kNoColumn : plan_.keys[in_plan].column;
    if (column != kNoColumn) states_.back().columns[column / 64] = uint64_t{1} << (column % 64);
    states_.back().column = column;
  }
  return it->state;
}

void JsonShape::add_edge(uint16_t from, std::string_view literal, uint16_t to) {
  WalkState& state = states_[from];
  for (uint8_t i = 0; i < state.edges; ++i) {
    if (std::string_view(state.edge[i].literal, state.edge[i].size) == literal) return;
  }
  const bool full = state.edges == kMaxEdges;
  WalkEdge& edge = state.edge[full ? state.oldest : state.edges];
  if (full) {
    state.oldest = static_cast<uint8_t>((state.oldest + 1) % kMaxEdges);
  } else {
    ++state.edges;
  }
  edge.size = static_cast<uint16_t>(literal.size());
  edge.bytes = (1u << std::min(literal.size(), kWalkBlock)) - 1;
  edge.to = &states_[to];
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
    p_ = pass_blanks(p_ + 1);
    if (p_ < end_ && *p_ == '}') {
      ++p_;
      return true;
    }
    while (p_ < end_) {
      if (!member(container, depth)) return false;
      p_ = pass_blanks(p_);
      if (p_ >= end_) return false;
      const char c = *p_++;
      if (c == '}') return true;
      if (c != ',') return false;  // a value that the walk does not take, as 1e5
      p_ = pass_blanks(p_);
    }
    return false;
  }

  bool member(uint16_t container, int depth) {
    if (*p_ != '"') return false;
    const char* const name = p_ + 1;
    p_ = pass_json_value(p_);
    if (p_ == nullptr) return false;
    const std::string_view key(name, static_cast<size_t>(p_ - name - 1));
    p_ = pass_blanks(p_);
    p_ = pass_blanks(p_ + 1);  // behind the colon
    if (p_ >= end_) return false;
    if (*p_ == '{') {
      const uint16_t inner = shape_.find(container, key, true);
      return inner != kNoKey && object(inner, depth + 1);
    }
    const uint16_t state = shape_.find(container, key, false);
    if (state == kNoKey || !edge(state)) return false;
    p_ = pass_json_value(p_);
    literal_ = p_;
    return p_ != nullptr;
  }

  bool edge(uint16_t to) {
    const std::string_view literal(literal_, static_cast<size_t>(p_ - literal_));
    if (literal.empty() || literal.size() > kMaxLiteral) return false;
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
