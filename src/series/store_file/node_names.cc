#include "series/store_file/node_names.h"

#include <algorithm>

namespace netflowgen::series {
namespace {

constexpr size_t kFew = 65'536;

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
  uint32_t number;
  if (const auto it = keys_.find(node); it != keys_.end()) {
    number = it->second;
  } else {
    std::string name = name_of(node);
    const auto text = texts_.find(name);
    number = text != texts_.end() ? text->second : add(std::move(name), node);
    keys_.emplace(node, number);
  }
  after_[last_] = number;
  return last_ = number;
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
  const auto by_name = [this](uint32_t a, uint32_t b) { return names_[a] < names_[b]; };
  const size_t sorted = order_.size();
  for (size_t i = sorted; i < names_.size(); ++i) order_.push_back(static_cast<uint32_t>(i));
  const auto fresh = order_.begin() + static_cast<std::ptrdiff_t>(sorted);
  std::sort(fresh, order_.end(), by_name);
  std::inplace_merge(order_.begin(), fresh, order_.end(), by_name);
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
  texts_.clear();
  order_.clear();
  last_ = 0;
}

}  // namespace netflowgen::series
