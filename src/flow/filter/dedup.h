// The same flow reported by two exporters on its way, counted once: the first exporter that reports a flow key (both
// addresses, both ports, protocol, ICMP type) owns it for as long as it keeps reporting it.
//
// Right where exporters look at every packet. Where they sample, each sees other packets of the same flow, and leaving
// one out loses its share: then give each node a counting point (series::NodeOptions) instead. Address translation
// between the exporters makes the keys differ.
//
// Invariants: 1. in = out + drops. 2. Memory is the table, whatever comes; what is pushed out of it is counted twice
// again, never lost. 3. Time is the flows' (received_ms, else end_ms). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ledger.h"
#include "flow/source.h"

namespace netflowgen::flow {

struct DedupOptions {
  int64_t window_ms = 0;  // an exporter that was silent about a flow for this long loses it; 0: no table
  size_t slots = size_t{1} << 20;  // flow keys remembered, of 16 bytes each
};

enum class DuplicateDrop : uint8_t { kDuplicate, kCount };
constexpr std::string_view name_of(DuplicateDrop) { return "duplicate"; }

class Deduplicator {
 public:
  explicit Deduplicator(const DedupOptions& options);

  // Whether the flow is to be counted.
  bool keep(const Flow& flow);
  const base::Ledger<DuplicateDrop>& ledger() const { return ledger_; }

 private:
  struct Slot {
    uint64_t key = 0;       // 0: empty
    uint32_t exporter = 0;  // hash
    uint32_t last_s = 0;
  };
  static constexpr size_t kWays = 4;  // a bucket is a cache line

  int64_t window_s_;
  std::vector<Slot> slots_;
  base::Ledger<DuplicateDrop> ledger_;
};

// `source` without duplicates; `source` itself where the window is 0.
std::unique_ptr<FlowSource> deduplicated(std::unique_ptr<FlowSource> source, const DedupOptions& options);

}  // namespace netflowgen::flow
