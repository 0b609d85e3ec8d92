// The templates of all exporters of a decoder, by (address, version, domain, id, source port), with bounds.
//
// Invariants: 1. At most max_templates and max_bytes in all and max_per_exporter of one address; the least
// recently used go first. 2. A StoredTemplate never changes; a redefinition replaces it, so whoever holds one
// may finish with it.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "flow/decode_options.h"
#include "flow/ipfix/plan.h"
#include "flow/ipfix/template.h"

namespace netflowgen::flow {

struct TemplateKey {
  IpAddr exporter;
  uint32_t domain = 0;
  uint16_t id = 0;
  uint8_t version = 0;

  bool operator==(const TemplateKey&) const = default;
};
struct TemplateKeyHash {
  size_t operator()(const TemplateKey& k) const noexcept {
    return base::mix64(k.exporter.hash() ^ (uint64_t{k.domain} << 24 | uint64_t{k.id} << 8 | k.version));
  }
};

struct StoredTemplate {
  TemplateKey key;
  uint16_t port = 0;
  TemplateRecord record;
  TemplatePlan plan;

  size_t memory_bytes() const;
};
using TemplatePtr = std::shared_ptr<const StoredTemplate>;

enum class TemplateChange : uint8_t { kNew, kRefreshed, kRedefined };

class TemplateStore {
 public:
  struct Limits {
    size_t max_templates = 0;
    size_t max_per_exporter = 0;
    size_t max_bytes = 0;
  };
  // Called with each template that is evicted or expired, before it goes.
  using Gone = std::function<void(const StoredTemplate&, bool expired)>;

  TemplateStore(const Limits& limits, TemplateScope scope, TunnelKeys tunnel_keys, Gone gone);

  TemplatePtr find(const TemplateKey& key, uint16_t port);
  // `other_port` is set when another port's definition of the id differs.
  TemplateChange define(const TemplateKey& key, uint16_t port, TemplateRecord record, TimeMs now,
                        bool& other_port);
  // The port's own definition; where it has none (kAdaptive), the newest. Returns how many went.
  size_t withdraw(const TemplateKey& key, uint16_t port);
  // All data templates or all options templates of the key's domain.
  size_t withdraw_all(const TemplateKey& key, uint16_t port, bool options);
  size_t forget_exporter(const IpAddr& exporter);
  void expire(TimeMs defined_before);

  size_t size() const { return lru_.size(); }
  size_t size_of(const IpAddr& exporter) const;
  size_t memory_bytes() const { return bytes_; }
  // Oldest use first.
  void for_each(const std::function<void(const StoredTemplate&, TimeMs defined)>& visit) const;

 private:
  struct Entry {
    TemplatePtr stored;
    TimeMs defined_ms = 0;
    std::list<Entry>::iterator self;          // in lru_
    std::list<Entry*>::iterator in_exporter;  // in its exporter's list
  };
  using Lru = std::list<Entry>;
  struct ExporterTemplates {
    std::list<Entry*> lru;
  };
  using Slot = std::vector<Entry*>;  // of one key, by port, oldest definition first

  static constexpr size_t kMaxPorts = 32;  // of one key

  uint16_t scoped(uint16_t port) const { return scope_ == TemplateScope::kAddress ? uint16_t{0} : port; }
  static Entry* own(const Slot& slot, uint16_t port);
  void remove(Entry* entry);
  void evict(Entry* entry, bool expired);
  void make_room(const IpAddr& exporter, size_t bytes);
  void touch(Entry* entry);

  Limits limits_;
  TemplateScope scope_;
  TunnelKeys tunnel_keys_;
  Gone gone_;
  Lru lru_;  // least recently used first
  std::unordered_map<TemplateKey, Slot, TemplateKeyHash> slots_;
  std::unordered_map<IpAddr, ExporterTemplates> exporters_;
  size_t bytes_ = 0;
};

}  // namespace netflowgen::flow
