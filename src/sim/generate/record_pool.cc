#include "sim/record_pool.h"

#include <algorithm>

namespace netflowgen::sim {

RecordPool::RecordPool(std::span<const std::string> nodes, uint64_t seed) : random_(base::mix64(seed)) {
  for (const auto& name : nodes) {
    if (const auto address = base::IpAddr::parse(name)) own_[*address];
  }
}

// Every record that was added is kept with the same probability.
void RecordPool::Sample::add(const PooledRecord& record, size_t most, base::Random& random) {
  ++seen;
  if (records.size() < most) {
    records.push_back(record);
  } else if (const uint64_t at = random.below(seen); at < most) {
    records[at] = record;
  }
}

size_t RecordPool::place(bool out, uint8_t protocol) {
  const size_t kind = protocol == flow::kTcp                                ? 0
                      : protocol == flow::kUdp                              ? 1
                      : protocol == flow::kIcmp || protocol == flow::kIcmp6 ? 2
                                                                            : 3;
  return (out ? kKinds : 0) + kind;
}

void RecordPool::add(const flow::Flow& flow) {
  if (!flow.has(flow::kKnownAddresses | flow::kKnownProtocol | flow::kKnownPackets)) return;
  add_end(flow, false);
  add_end(flow, true);
}

void RecordPool::add_end(const flow::Flow& flow, bool out) {
  const auto node = own_.find(out ? flow.src : flow.dst);
  if (node == own_.end()) return;
  PooledRecord r;
  r.protocol = flow.protocol;
  r.tcp_flags = flow.tcp_flags;
  r.own_port = out ? flow.src_port : flow.dst_port;
  r.peer_port = out ? flow.dst_port : flow.src_port;
  r.duration_ms = static_cast<uint32_t>(std::clamp<int64_t>(flow.end_ms - flow.start_ms, 0, UINT32_MAX));
  r.packets = std::max<uint64_t>(flow.packets, 1);
  r.bytes = flow.bytes;
  node->second[place(out, flow.protocol)].add(r, kOwn, random_);
  all_[place(out, flow.protocol)].add(r, kAll, random_);
  ++added_;
}

std::span<const PooledRecord> RecordPool::of(const base::IpAddr& node, bool out, uint8_t protocol) const {
  const size_t at = place(out, protocol);
  const auto own = own_.find(node);
  if (own != own_.end() && own->second[at].records.size() >= kLeast) return own->second[at].records;
  return all_[at].records;
}

}  // namespace netflowgen::sim
