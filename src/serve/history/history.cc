#include "serve/history/history.h"

#include <algorithm>
#include <charconv>

namespace netflowgen::serve {
namespace {

std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

size_t StepBlock::find(const series::NodeKey& key) const {
  const auto it = std::lower_bound(keys.begin(), keys.end(), key);
  return it != keys.end() && *it == key ? static_cast<size_t>(it - keys.begin()) : SIZE_MAX;
}

size_t StepBlock::bytes() const {
  size_t names = 0;
  for (const auto& table : breakdown.top) names += table.size();
  return sizeof *this + keys.capacity() * sizeof(series::NodeKey) + forecast.capacity() * sizeof(VolumeFans) +
         (frames.capacity() + surprise.capacity() + bits.capacity() + scores.capacity()) * sizeof(float) +
         positions.capacity() * sizeof(uint32_t) + names * (sizeof(Share) + 24);
}

void History::add(Block block) {
  const std::lock_guard lock(mutex_);
  bytes_ += block->bytes();
  blocks_.push_back(std::move(block));
  while (blocks_.size() > 2 && bytes_ > memory_bytes_) {
    bytes_ -= blocks_.front()->bytes();
    blocks_.pop_front();
  }
}

std::vector<History::Block> History::between(base::TimeMs from_ms, base::TimeMs to_ms) const {
  const std::lock_guard lock(mutex_);
  std::vector<Block> out;
  for (const auto& b : blocks_) {
    if (b->time_ms >= from_ms && b->time_ms < to_ms) out.push_back(b);
  }
  return out;
}

History::Block History::latest() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty() ? nullptr : blocks_.back();
}

base::TimeMs History::oldest_ms() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty() ? INT64_MAX : blocks_.front()->time_ms;
}

size_t History::steps() const {
  const std::lock_guard lock(mutex_);
  return blocks_.size();
}

size_t History::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::optional<series::NodeKey> parse_node(std::string_view name) {
  using series::NodeKind;
  if (name.starts_with("AS")) {
    const auto n = number_of(name.substr(2));
    if (!n) return std::nullopt;
    return series::NodeKey{{}, *n, NodeKind::kAs};
  }
  if (const size_t hash = name.find('#'); hash != std::string_view::npos) {
    const auto address = base::IpAddr::parse(name.substr(0, hash));
    const auto n = number_of(name.substr(hash + 1));
    if (!address || !n) return std::nullopt;
    return series::NodeKey{*address, *n, NodeKind::kInterface};
  }
  if (name.find('/') != std::string_view::npos) {
    const auto prefix = base::Prefix::parse(name);
    if (!prefix) return std::nullopt;
    return series::NodeKey{prefix->address, prefix->length, NodeKind::kPrefix};
  }
  const auto address = base::IpAddr::parse(name);
  if (!address) return std::nullopt;
  return series::NodeKey{*address, 0, NodeKind::kHost};
}

std::string_view kind_name(series::NodeKind kind) {
  constexpr std::string_view kNames[] = {"none", "host", "prefix", "interface", "as"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace netflowgen::serve
