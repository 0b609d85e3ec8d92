#include "detect/node_index.h"

#include <algorithm>
#include <cstring>

namespace netflowgen::detect {

void NodeIndex::add(std::string_view node, uint64_t key) {
  const NodeMatch match(node);
  switch (match.kind()) {
    case NodeMatch::Kind::kPrefix:
      prefixes_[match.prefix().length][match.prefix().address] = key;
      break;
    case NodeMatch::Kind::kInterface:
      interfaces_[{match.prefix().address, match.number()}] = key;
      break;
    case NodeMatch::Kind::kAs:
      as_[match.number()] = key;
      break;
    case NodeMatch::Kind::kNone:
      break;
  }
}

void NodeIndex::remove(std::string_view node) {
  const NodeMatch match(node);
  switch (match.kind()) {
    case NodeMatch::Kind::kPrefix: {
      const auto it = prefixes_.find(match.prefix().length);
      if (it == prefixes_.end()) return;
      it->second.erase(match.prefix().address);
      if (it->second.empty()) prefixes_.erase(it);
      break;
    }
    case NodeMatch::Kind::kInterface:
      interfaces_.erase({match.prefix().address, match.number()});
      break;
    case NodeMatch::Kind::kAs:
      as_.erase(match.number());
      break;
    case NodeMatch::Kind::kNone:
      break;
  }
}

void NodeIndex::find(const SampledFlow& flow, std::vector<uint64_t>& keys) const {
  for (const auto& [length, nodes] : prefixes_) {
    const auto it = nodes.find(length == 128 ? flow.dst : base::mask(flow.dst, length));
    if (it != nodes.end()) keys.push_back(it->second);
  }
  if (!interfaces_.empty()) {
    const auto it = interfaces_.find({flow.exporter, flow.in_if});
    if (it != interfaces_.end()) keys.push_back(it->second);
  }
  if (!as_.empty()) {
    const auto it = as_.find(flow.dst_as);
    if (it != as_.end()) keys.push_back(it->second);
  }
}

namespace {

constexpr unsigned kMostBits = 16;  // of a prefix whose addresses are looked up one by one

// The address `n` prefixes of this length after `first`.
base::IpAddr nth(const base::IpAddr& first, uint64_t n, unsigned length) {
  uint64_t halves[2];
  std::memcpy(halves, first.bytes.data(), sizeof halves);
  const auto value =
      static_cast<unsigned __int128>(__builtin_bswap64(halves[0])) << 64 | __builtin_bswap64(halves[1]);
  const auto moved = value + (static_cast<unsigned __int128>(n) << (128 - length));
  halves[0] = __builtin_bswap64(static_cast<uint64_t>(moved >> 64));
  halves[1] = __builtin_bswap64(static_cast<uint64_t>(moved));
  base::IpAddr out;
  std::memcpy(out.bytes.data(), halves, sizeof halves);
  return out;
}

}  // namespace

std::vector<uint64_t> NodeIndex::inside(const base::Prefix& prefix) const {
  std::vector<uint64_t> keys;
  for (auto it = prefixes_.lower_bound(prefix.length); it != prefixes_.end(); ++it) {
    const auto& [length, nodes] = *it;
    const unsigned bits = length - prefix.length;
    if (bits <= kMostBits && length > 0 && (size_t{1} << bits) < nodes.size()) {
      for (uint64_t i = 0; i < uint64_t{1} << bits; ++i) {
        const auto node = nodes.find(nth(prefix.address, i, length));
        if (node != nodes.end()) keys.push_back(node->second);
      }
      continue;
    }
    for (const auto& [address, key] : nodes) {
      if (prefix.contains(address)) keys.push_back(key);
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace netflowgen::detect
