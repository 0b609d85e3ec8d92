// What was last counted of flows whose exporter reports running totals: octetTotalCount and its like (RFC 5102), and the
// connections of firewalls (NSEL), whose teardown repeats what updates have reported.
//
// Invariants: 1. At most max_flows in all and max_flows_per_exporter of one address; the least recently reported goes
// first, a flood's own before others'. 2. Memory follows the flows that are held. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <unordered_map>

#include "flow/record.h"

namespace netflowgen::flow {

// [direction]: 0 forward, 1 reverse.
struct RunningTotal {
  uint64_t bytes[2] = {};
  uint64_t packets[2] = {};
  TimeMs end_ms = 0;      // of the last report
  uint8_t counted = 0;    // bit d: a flow of direction d was counted, what follows is the rest of it
  bool reported = false;  // false: nothing was stored yet
};

class RunningTotals {
 public:
  struct Limits {
    size_t max_flows = 0;
    size_t max_flows_per_exporter = 0;
  };
  using Gone = std::function<void(const IpAddr& exporter)>;  // one of that exporter was evicted; may be empty

  RunningTotals(const Limits& limits, Gone gone) : limits_(limits), gone_(std::move(gone)) {}
  RunningTotals(const RunningTotals&) = delete;
  RunningTotals& operator=(const RunningTotals&) = delete;

  // The entry of a flow, made where there is none, now the newest. Valid until the next call.
  RunningTotal& at(const IpAddr& exporter, uint64_t key);
  RunningTotal* find(uint64_t key);
  void erase(uint64_t key);
  void forget_exporter(const IpAddr& exporter);

  size_t size() const { return all_.size(); }
  uint64_t evicted() const { return evicted_; }
  size_t memory_bytes() const { return all_.size() * kEntryBytes; }

 private:
  static constexpr size_t kEntryBytes = 256;  // list nodes and map nodes of one, from above

  struct Node;
  using All = std::list<Node>;
  using Chain = std::list<All::iterator>;  // oldest first
  struct Node {
    uint64_t key = 0;
    IpAddr exporter;
    RunningTotal total;
    Chain::iterator in_exporter;
  };

  void remove(All::iterator it);
  void evict(All::iterator it);
  void make_room(const IpAddr& exporter);

  Limits limits_;
  Gone gone_;
  All all_;  // oldest first
  uint64_t evicted_ = 0;
  std::unordered_map<uint64_t, All::iterator> by_key_;
  std::unordered_map<IpAddr, Chain> exporters_;
};

// NSEL's firewallEvent (element 233).
enum FirewallEvent : uint16_t { kFlowCreated = 1, kFlowDeleted = 2, kFlowUpdated = 5 };

// Tells a firewall's connection `id` (element 148) from all others.
uint64_t connection_key(const Flow& flow, uint64_t id);

// Counts direction `d` of `t` as a flow the first time that something is added to it. A later report is the rest of that
// flow: it starts where the last one ended, and Flow::flows becomes 0.
void count_once(RunningTotal& t, unsigned d, TimeMs last_end_ms, Flow& flow);

// NSEL (Cisco, ASA NetFlow Implementation Guide, "Flow Update Events"): an update of a connection has the octets since the
// last one, its teardown those of the whole connection. Takes off the teardown what updates have reported; true where it
// did. `key` tells the connection from all others; `reverse`: the other direction of the record, or nullptr. Flow::event
// is NSEL's.
bool follow_connection(RunningTotals& totals, uint64_t key, Flow& flow, Flow* reverse);

}  // namespace netflowgen::flow
