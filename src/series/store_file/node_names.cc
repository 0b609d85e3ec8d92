#include "series/store_file/node_names.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace netflowgen::series {
namespace {

constexpr size_t kFew = 65'536;

// The first 16 octets of a name as numbers that compare as they do: most comparisons then read no name.
struct Head {
  uint64_t first;
  uint64_t second;
  uint32_t number;
};

Head head_of(const std::string& name, uint32_t number) {
  uint64_t words[2] = {};
  std::memcpy(words, name.data(), std::min(name.size(), sizeof words));
  if constexpr (std::endian::native == std::endian::little) {
    for (auto& word : words) word = __builtin_bswap64(word);
  }
  return {words[0], words[1], number};
}

}  // namespace

uint32_t NodeNames::add(std::string name, const NodeKey& node) {
  const auto number = static_cast<uint32_t>(names_.size());
  if (!texts_.empty()) texts_.emplace(name, number);
  names_.push_back(std::move(name));
  nodes_.push_back(node);
  after_.push_back(number);
  return number;
}

uint32_t NodeNames::number(const NodeKey& node) {
  if (!names_.empty()) {
    const uint32_t guess = after_[last_];
    if (nodes_[guess] == node) return last_ = guess;
  }
  const bool next = ascends(node);
  const uint32_t number = next ? add(name_of(node), node) : find_or_add(node);
  run_ += next ? 1 : 0;
  after_[last_] = number;
  return last_ = number;
}

uint32_t NodeNames::find_or_add(const NodeKey& node) {
  const uint32_t place = place_in_run(node);
  if (place < run_ && nodes_[place] == node) return place;
  const auto [it, fresh] = keys_.try_emplace(node, 0);
  if (fresh) {
    std::string name = name_of(node);
    const auto text = texts_.find(name);
    it->second = text != texts_.end() ? text->second : add(std::move(name), node);
  }
  return it->second;
}

// A step's nodes ascend, so the next is a little above the last.
uint32_t NodeNames::place_in_run(const NodeKey& node) {
  uint32_t low = 0;
  uint32_t high = place_;
  if (place_ < run_ && nodes_[place_] < node) {
    low = place_ + 1;
    high = low;
    for (uint32_t width = 1; high < run_ && nodes_[high] < node; width *= 2) {
      low = high + 1;
      high = std::min(high + width, run_);
    }
  }
  const auto begin = nodes_.begin();
  return place_ = static_cast<uint32_t>(std::lower_bound(begin + low, begin + high, node) - begin);
}

// From the first name on that comes as text.
void NodeNames::index_texts() {
  for (uint32_t i = 0; i < names_.size(); ++i) texts_.emplace(names_[i], i);
}

uint32_t NodeNames::number(std::string_view name) {
  if (texts_.empty()) index_texts();
  std::string text(name);
  if (const auto it = texts_.find(text); it != texts_.end()) return it->second;
  const uint32_t number = add(text, {});
  texts_.try_emplace(std::move(text), number);
  return number;
}

void NodeNames::sort() {
  const auto less = [this](uint32_t a, uint32_t b) { return names_[a] < names_[b]; };
  const size_t sorted = order_.size();
  std::vector<Head> heads;
  heads.reserve(names_.size() - sorted);
  for (size_t i = sorted; i < names_.size(); ++i)
    heads.push_back(head_of(names_[i], static_cast<uint32_t>(i)));
  std::sort(heads.begin(), heads.end(), [&](const Head& a, const Head& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.second != b.second) return a.second < b.second;
    return less(a.number, b.number);
  });
  for (const auto& head : heads) order_.push_back(head.number);
  std::inplace_merge(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(sorted), order_.end(),
                     less);
}

std::span<const uint32_t> NodeNames::by_name() {
  sort();
  return order_;
}

std::vector<std::string> NodeNames::take_names() {
  std::vector<std::string> names = std::move(names_);
  clear();
  return names;
}

ShardNames NodeNames::of_shard(std::span<const uint32_t> rows) {
  sort();
  std::vector<bool> used(names_.size());
  for (const uint32_t number : rows) used[number] = true;
  ShardNames shard;
  shard.rank.resize(names_.size());
  for (const uint32_t number : order_) {
    if (!used[number]) continue;
    shard.rank[number] = static_cast<uint32_t>(shard.end.size());
    const std::string& name = names_[number];
    shard.bytes.insert(shard.bytes.end(), name.begin(), name.end());
    shard.end.push_back(static_cast<uint32_t>(shard.bytes.size()));
  }
  return shard;
}

void NodeNames::forget_idle(size_t used) {
  if (names_.size() > 2 * std::max(used, kFew / 2)) clear();
}

void NodeNames::clear() {
  names_.clear();
  nodes_.clear();
  after_.clear();
  keys_.clear();
  run_ = place_ = 0;
  texts_.clear();
  order_.clear();
  last_ = 0;
}

}  // namespace netflowgen::series
