// Exporters that meter a packet where it comes in and again where it goes out: Open vSwitch's IPFIX, routers with ingress
// and egress monitoring on all interfaces. Each packet is then counted twice, by one exporter, which de-duplication among
// exporters (dedup.h) does not see.
//
// Two things are done here. Flows of one direction are taken, of each exporter or of one, where the options ask for that. And a
// flow that one exporter reports twice (the same key with the other flowDirection, or with its two interfaces swapped, or
// with the same counters and times) is noticed, with figures, so that the user can be told.
//
// Invariants: 1. in = out + drops. 2. Memory is one table, whatever comes; what is pushed out of it is not noticed.
// 3. Time is the flows' (received_ms, else end_ms). One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/ledger.h"
#include "flow/direction_options.h"
#include "flow/source.h"

namespace netflowgen::flow {

enum class DirectionDrop : uint8_t {
  kIngress,
  kEgress,
  kSwapped,  // without a direction: reported before, with the interfaces swapped
  kSame,     // reported before, with the same counters and times
  kCount,
};
constexpr std::string_view name_of(DirectionDrop reason) {
  constexpr std::string_view kNames[] = {"ingress", "egress", "interfaces_swapped", "same_report"};
  return kNames[static_cast<size_t>(reason)];
}

// What one exporter reported twice.
struct TwiceReport {
  IpAddr exporter;
  uint64_t looked_at = 0;  // flows
  uint64_t twice = 0;      // of these, reported before
  uint64_t packets = 0;    // of these flows
  // How the second reports differ from the first.
  uint64_t other_direction = 0;
  uint64_t swapped = 0;
  uint64_t same = 0;
};

class DirectionFilter {
 public:
  explicit DirectionFilter(const DirectionOptions& options);

  // Whether the flow is to be counted.
  bool keep(const Flow& flow);
  // Only notices. For options that filter nothing.
  void watch(std::span<const Flow> flows);

  // Exporters that report each packet twice, those whose flows are filtered left out.
  std::vector<TwiceReport> twice() const;
  const base::Ledger<DirectionDrop>& ledger() const { return ledger_; }
  bool filters() const { return filters_; }

 private:
  struct Slot {
    uint64_t key = 0;  // of the exporter and the flow; 0: empty
    uint32_t in_if = 0;
    uint32_t out_if = 0;
    uint32_t seen_s = 0;
    uint32_t counters = 0;  // a hash
    uint32_t start_ms = 0;  // the low bits, as of all clocks here
    uint32_t end_ms = 0;
    uint8_t direction = 0;
    bool has_direction = false;
  };
  enum class Again : uint8_t { kNo, kOtherDirection, kSwapped, kSame };
  static constexpr size_t kSlots = size_t{1} << 14;
  static constexpr size_t kWays = 4;
  static constexpr uint64_t kLookAtAll = 1 << 16;  // flows; then one key in 16
  static constexpr uint32_t kWindowS = 300;        // a second report comes that soon
  static constexpr uint32_t kSameTimeMs = 1000;    // headers of NetFlow v9 count whole seconds
  static constexpr size_t kMaxExporters = 16384;

  Direction policy_of(const IpAddr& exporter) const;
  bool looked_at(const Flow& flow) const;
  bool dropped_as_second(const Flow& flow);
  Again compare(const Slot& slot, const Flow& flow) const;
  Again reported_before(const Flow& flow);

  Direction everywhere_;
  std::unordered_map<IpAddr, Direction> exporters_;
  bool filters_ = false;
  uint64_t seen_ = 0;
  std::vector<Slot> slots_;
  std::map<IpAddr, TwiceReport> reports_;
  base::Ledger<DirectionDrop> ledger_;
};

// `source` with one direction, where the options ask for that; always with warnings of exporters that report both.
std::unique_ptr<FlowSource> one_direction(std::unique_ptr<FlowSource> source,
                                          const DirectionOptions& options);

}  // namespace netflowgen::flow
