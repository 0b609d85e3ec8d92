#include "flow/decoder/held_data.h"

#include <algorithm>
#include <utility>

namespace netflowgen::flow {

void HeldData::add(HeldSet set, const Gone& gone) {
  const size_t bytes = set.memory_bytes();
  if (bytes > limits_.max_bytes || bytes > limits_.max_bytes_per_exporter) return gone(set);
  const IpAddr address = set.key.exporter;
  const auto room_of_exporter = [&] {
    const auto it = exporters_.find(address);
    return it == exporters_.end() || it->second.bytes + bytes <= limits_.max_bytes_per_exporter;
  };
  while (!room_of_exporter()) gone(remove(exporters_[address].order.front()));
  while (bytes_ + bytes > limits_.max_bytes) gone(remove(all_.begin()));
  const TemplateKey key = set.key;
  const auto it = all_.insert(all_.end(), Node{std::move(set), {}, {}});
  auto& waiting = waiting_[key];
  it->in_waiting = waiting.insert(waiting.end(), it);
  auto& mine = exporters_[address];
  it->in_exporter = mine.order.insert(mine.order.end(), it);
  mine.bytes += bytes;
  bytes_ += bytes;
}

HeldSet HeldData::remove(All::iterator it) {
  const size_t bytes = it->set.memory_bytes();
  const auto waiting = waiting_.find(it->set.key);
  waiting->second.erase(it->in_waiting);
  if (waiting->second.empty()) waiting_.erase(waiting);
  const auto mine = exporters_.find(it->set.key.exporter);
  mine->second.order.erase(it->in_exporter);
  mine->second.bytes -= bytes;
  if (mine->second.order.empty()) exporters_.erase(mine);
  bytes_ -= bytes;
  HeldSet out = std::move(it->set);
  all_.erase(it);
  return out;
}

std::vector<HeldSet> HeldData::take(const TemplateKey& key, const uint16_t* port) {
  std::vector<HeldSet> out;
  const auto waiting = waiting_.find(key);
  if (waiting == waiting_.end()) return out;
  Chain mine = waiting->second;
  if (port != nullptr) std::erase_if(mine, [=](const auto& it) { return it->set.port != *port; });
  for (const auto& it : mine) out.push_back(remove(it));
  return out;
}

void HeldData::expire(TimeMs received_before, const Gone& gone) {
  while (!all_.empty() && all_.front().set.received_ms < received_before) gone(remove(all_.begin()));
}

void HeldData::clear(const Gone& gone) {
  while (!all_.empty()) gone(remove(all_.begin()));
}

void HeldData::forget_exporter(const IpAddr& exporter, const Gone& gone) {
  for (auto it = exporters_.find(exporter); it != exporters_.end(); it = exporters_.find(exporter)) {
    gone(remove(it->second.order.front()));
  }
}

size_t HeldData::size_of(const IpAddr& exporter) const {
  const auto it = exporters_.find(exporter);
  return it == exporters_.end() ? 0 : it->second.order.size();
}

}  // namespace netflowgen::flow
