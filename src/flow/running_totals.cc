#include "flow/running_totals.h"

#include <algorithm>

#include "base/random.h"

namespace netflowgen::flow {
namespace {

uint64_t above(uint64_t total, uint64_t counted) { return total > counted ? total - counted : 0; }

uint64_t combine(uint64_t hash, uint64_t value) { return base::mix64(hash ^ (value + 0x9e3779b97f4a7c15u)); }

bool is_empty(const Flow& f) { return (f.bytes | f.packets) == 0; }

}  // namespace

uint64_t connection_key(const Flow& f, uint64_t id) {
  uint64_t h = combine(f.exporter.hash(), uint64_t{f.domain} << 8 | f.version);
  h = combine(h, f.src.hash());
  h = combine(h, f.dst.hash());
  h = combine(h, uint64_t{f.src_port} << 40 | uint64_t{f.dst_port} << 24 | uint64_t{f.icmp_type_code} << 8 |
                     f.protocol);
  return combine(h, id);
}

void count_once(RunningTotal& t, unsigned d, TimeMs last_end_ms, Flow& f) {
  if ((t.counted >> d & 1) != 0) {
    f.flows = 0;
    f.start_ms = std::clamp(last_end_ms, f.start_ms, f.end_ms);
  } else if (!is_empty(f)) {
    t.counted = static_cast<uint8_t>(t.counted | 1u << d);
  }
}

bool follow_connection(RunningTotals& totals, uint64_t key, Flow& flow, Flow* reverse) {
  if (flow.event == kFlowCreated) totals.erase(key);
  const bool deleted = flow.event == kFlowDeleted;
  if (!deleted && flow.event != kFlowUpdated) return false;
  if (deleted ? totals.find(key) == nullptr : is_empty(flow) && reverse == nullptr) return false;
  RunningTotal& t = totals.at(flow.exporter, key);
  const TimeMs last_end_ms = t.end_ms;
  t.end_ms = std::max(flow.end_ms, last_end_ms);
  for (unsigned d = 0; d < 2; ++d) {
    Flow* const f = d == 0 ? &flow : reverse;
    if (f == nullptr) continue;
    if (deleted) {
      f->bytes = above(f->bytes, t.bytes[d]);
      f->packets = above(f->packets, t.packets[d]);
    } else {
      t.bytes[d] += f->bytes;
      t.packets[d] += f->packets;
    }
    count_once(t, d, last_end_ms, *f);
  }
  if (deleted) totals.erase(key);
  return deleted;
}

RunningTotal* RunningTotals::find(uint64_t key) {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? nullptr : &it->second->total;
}

RunningTotal& RunningTotals::at(const IpAddr& exporter, uint64_t key) {
  if (const auto it = by_key_.find(key); it != by_key_.end()) {
    const All::iterator node = it->second;
    all_.splice(all_.end(), all_, node);
    Chain& chain = exporters_[node->exporter];
    chain.splice(chain.end(), chain, node->in_exporter);
    return node->total;
  }
  make_room(exporter);
  all_.push_back({key, exporter, {}, {}});
  const auto node = std::prev(all_.end());
  Chain& chain = exporters_[exporter];
  chain.push_back(node);
  node->in_exporter = std::prev(chain.end());
  by_key_[key] = node;
  return node->total;
}

void RunningTotals::make_room(const IpAddr& exporter) {
  if (const auto it = exporters_.find(exporter);
      it != exporters_.end() && it->second.size() >= limits_.max_flows_per_exporter) {
    evict(it->second.front());
  }
  if (!all_.empty() && all_.size() >= limits_.max_flows) evict(all_.begin());
}

void RunningTotals::evict(All::iterator it) {
  ++evicted_;
  if (gone_) gone_(it->exporter);
  remove(it);
}

void RunningTotals::remove(All::iterator it) {
  by_key_.erase(it->key);
  const auto chain = exporters_.find(it->exporter);
  chain->second.erase(it->in_exporter);
  if (chain->second.empty()) exporters_.erase(chain);
  all_.erase(it);
}

void RunningTotals::erase(uint64_t key) {
  if (const auto it = by_key_.find(key); it != by_key_.end()) remove(it->second);
}

void RunningTotals::forget_exporter(const IpAddr& exporter) {
  for (auto it = exporters_.find(exporter); it != exporters_.end(); it = exporters_.find(exporter)) {
    remove(it->second.front());
  }
}

}  // namespace netflowgen::flow
