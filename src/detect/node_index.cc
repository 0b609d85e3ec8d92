#include "detect/node_index.h"

#include <algorithm>

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

std::vector<uint64_t> NodeIndex::inside(const base::Prefix& prefix) const {
  std::vector<uint64_t> keys;
  for (auto it = prefixes_.lower_bound(prefix.length); it != prefixes_.end(); ++it) {
    for (const auto& [address, key] : it->second) {
      if (prefix.contains(address)) keys.push_back(key);
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace netflowgen::detect
