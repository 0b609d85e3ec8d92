#include "flow/ipfix/template_store.h"

#include <algorithm>
#include <utility>

namespace netflowgen::flow {
namespace {

constexpr size_t kEntryBytes = 320;  // list nodes, map nodes and vectors of one template, from above

}  // namespace

size_t StoredTemplate::memory_bytes() const {
  return kEntryBytes + sizeof(StoredTemplate) + record.fields.capacity() * sizeof(TemplateField) +
         plan.memory_bytes();
}

TemplateStore::TemplateStore(const Limits& limits, TemplateScope scope, TunnelKeys tunnel_keys, Gone gone)
    : limits_(limits), scope_(scope), tunnel_keys_(tunnel_keys), gone_(std::move(gone)) {}

TemplateStore::Entry* TemplateStore::own(const Slot& slot, uint16_t port) {
  const auto it = std::ranges::find_if(slot, [=](const Entry* e) { return e->stored->port == port; });
  return it == slot.end() ? nullptr : *it;
}

void TemplateStore::touch(Entry* entry) {
  lru_.splice(lru_.end(), lru_, entry->self);
  auto& list = exporters_[entry->stored->key.exporter].lru;
  list.splice(list.end(), list, entry->in_exporter);
}

TemplatePtr TemplateStore::find(const TemplateKey& key, uint16_t port) {
  const auto it = slots_.find(key);
  if (it == slots_.end()) return nullptr;
  Entry* entry = own(it->second, scoped(port));
  if (entry == nullptr && scope_ == TemplateScope::kAdaptive) entry = it->second.back();
  if (entry == nullptr) return nullptr;
  touch(entry);
  return entry->stored;
}

TemplateChange TemplateStore::define(const TemplateKey& key, uint16_t port, TemplateRecord record, TimeMs now,
                                     bool& other_port) {
  port = scoped(port);
  other_port = false;
  if (const auto it = slots_.find(key); it != slots_.end()) {
    for (Entry* e : it->second) other_port |= e->stored->port != port && !(e->stored->record == record);
    if (Entry* entry = own(it->second, port)) {
      const auto at = std::find(it->second.begin(), it->second.end(), entry);
      std::rotate(at, at + 1, it->second.end());  // now the newest
      entry->defined_ms = now;
      touch(entry);
      if (entry->stored->record == record) return TemplateChange::kRefreshed;
      bytes_ -= entry->stored->memory_bytes();
      TemplatePlan plan = compile(record, tunnel_keys_);
      entry->stored =
          std::make_shared<StoredTemplate>(StoredTemplate{key, port, std::move(record), std::move(plan)});
      bytes_ += entry->stored->memory_bytes();
      make_room(key.exporter, 0);
      return TemplateChange::kRedefined;
    }
    if (it->second.size() >= kMaxPorts) evict(it->second.front(), false);
  }
  TemplatePlan plan = compile(record, tunnel_keys_);
  auto stored =
      std::make_shared<StoredTemplate>(StoredTemplate{key, port, std::move(record), std::move(plan)});
  make_room(key.exporter, stored->memory_bytes());
  bytes_ += stored->memory_bytes();
  Entry* entry = &lru_.emplace_back(Entry{std::move(stored), now, {}, {}});
  entry->self = std::prev(lru_.end());
  auto& list = exporters_[key.exporter].lru;
  list.push_back(entry);
  entry->in_exporter = std::prev(list.end());
  slots_[key].push_back(entry);
  return TemplateChange::kNew;
}

// Room for one more of `bytes` (0: for what is there already). The newest always stays.
void TemplateStore::make_room(const IpAddr& exporter, size_t bytes) {
  const size_t more = bytes == 0 ? 0 : 1;
  if (const auto it = exporters_.find(exporter); it != exporters_.end()) {
    while (it->second.lru.size() + more > limits_.max_per_exporter && it->second.lru.size() > 1) {
      evict(it->second.lru.front(), false);
    }
  }
  while ((lru_.size() + more > limits_.max_templates || bytes_ + bytes > limits_.max_bytes) &&
         lru_.size() > 1) {
    evict(&lru_.front(), false);
  }
}

void TemplateStore::evict(Entry* entry, bool expired) {
  gone_(*entry->stored, expired);
  remove(entry);
}

void TemplateStore::remove(Entry* entry) {
  const TemplatePtr stored = entry->stored;
  bytes_ -= stored->memory_bytes();
  if (const auto slot = slots_.find(stored->key); slot != slots_.end()) {
    std::erase(slot->second, entry);
    if (slot->second.empty()) slots_.erase(slot);
  }
  if (const auto e = exporters_.find(stored->key.exporter); e != exporters_.end()) {
    e->second.lru.erase(entry->in_exporter);
    if (e->second.lru.empty()) exporters_.erase(e);
  }
  lru_.erase(entry->self);
}

size_t TemplateStore::withdraw(const TemplateKey& key, uint16_t port) {
  const auto it = slots_.find(key);
  if (it == slots_.end()) return 0;
  Entry* entry = own(it->second, scoped(port));
  if (entry == nullptr && scope_ == TemplateScope::kAdaptive) entry = it->second.back();
  if (entry == nullptr) return 0;
  remove(entry);
  return 1;
}

size_t TemplateStore::withdraw_all(const TemplateKey& key, uint16_t port, bool options) {
  const auto it = exporters_.find(key.exporter);
  if (it == exporters_.end()) return 0;
  std::vector<TemplateKey> keys;
  for (const Entry* e : it->second.lru) {
    const auto& k = e->stored->key;
    const bool same = k.version == key.version && k.domain == key.domain;
    if (same && e->stored->record.options == options && std::ranges::find(keys, k) == keys.end()) {
      keys.push_back(k);
    }
  }
  size_t gone = 0;
  for (const auto& k : keys) gone += withdraw(k, port);
  return gone;
}

size_t TemplateStore::forget_exporter(const IpAddr& exporter) {
  size_t gone = 0;
  for (auto it = exporters_.find(exporter); it != exporters_.end(); it = exporters_.find(exporter)) {
    remove(it->second.lru.front());
    ++gone;
  }
  return gone;
}

void TemplateStore::expire(TimeMs defined_before) {
  for (auto it = lru_.begin(); it != lru_.end();) {
    Entry* entry = &*it++;
    if (entry->defined_ms < defined_before) evict(entry, true);
  }
}

size_t TemplateStore::size_of(const IpAddr& exporter) const {
  const auto it = exporters_.find(exporter);
  return it == exporters_.end() ? 0 : it->second.lru.size();
}

void TemplateStore::for_each(const std::function<void(const StoredTemplate&, TimeMs defined)>& visit) const {
  for (const auto& e : lru_) visit(*e.stored, e.defined_ms);
}

}  // namespace netflowgen::flow
