// Data sets that came before their template, kept to be decoded when it comes.
//
// Invariants: 1. At most max_bytes in all and max_bytes_per_exporter of one address, overheads included; the
// oldest goes first. 2. Sets of one key come back in the order in which they came.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <unordered_map>
#include <vector>

#include "flow/ipfix/plan.h"
#include "flow/ipfix/template_store.h"

namespace netflowgen::flow {

struct HeldSet {
  TemplateKey key;
  uint16_t port = 0;
  TimeMs received_ms = 0;
  TimeBase time;
  std::vector<uint8_t> bytes;  // without the set header

  size_t memory_bytes() const { return bytes.capacity() + 256; }
};

class HeldData {
 public:
  struct Limits {
    size_t max_bytes = 0;
    size_t max_bytes_per_exporter = 0;
  };
  using Gone = std::function<void(const HeldSet&)>;

  explicit HeldData(const Limits& limits) : limits_(limits) {}

  // What must go to make room is handed to `gone` (the set itself, where it alone is too large).
  void add(HeldSet set, const Gone& gone);
  // The sets that wait for that template, taken out; of that port only when `port` is not null.
  std::vector<HeldSet> take(const TemplateKey& key, const uint16_t* port);
  void expire(TimeMs received_before, const Gone& gone);
  void clear(const Gone& gone);
  void forget_exporter(const IpAddr& exporter, const Gone& gone);

  size_t size() const { return all_.size(); }
  size_t size_of(const IpAddr& exporter) const;
  size_t memory_bytes() const { return bytes_; }

 private:
  struct Node;
  using All = std::list<Node>;
  using Chain = std::list<All::iterator>;  // oldest first
  struct Node {
    HeldSet set;
    Chain::iterator in_exporter;
    Chain::iterator in_waiting;
  };
  struct OfExporter {
    Chain order;
    size_t bytes = 0;
  };

  HeldSet remove(All::iterator it);

  Limits limits_;
  All all_;  // oldest first
  std::unordered_map<TemplateKey, Chain, TemplateKeyHash> waiting_;
  std::unordered_map<IpAddr, OfExporter> exporters_;
  size_t bytes_ = 0;
};

}  // namespace netflowgen::flow
