// The nodes of one open step: an open-addressing table from node to its two directions. A direction is a log of its flows
// (flow_log.h) while it has few, and a DirectionState once it has many; the log is then what has not been added to it yet.
//
// Invariants: 1. A slot is 32 bytes, so that it never straddles cache lines; capacity is a power of two, at
// most 3/4 full. 2. Hashes are keyed by a secret seed: a peer cannot choose addresses that collide. 3. States and logs
// live in the step's arena and do not move when the table grows; slots do. 4. What a direction has gathered is a function of
// its flows, however they are spread over log and state (step_table_test.cc). 5. A direction's log is never larger than
// the state and sketches that it would be; see kMostLogged. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "series/accumulate/arena.h"
#include "series/accumulate/flow_log.h"
#include "series/accumulate/state.h"
#include "series/node.h"
#include "series/sketch.h"

namespace netflowgen::series {

// At so many flows a log whose sets need no sketch becomes a state, which then takes no more room than the log.
inline constexpr unsigned kFirstLook = 24;
// At so many flows any log becomes a state: with four sketches that takes as much.
inline constexpr unsigned kMostLogged = 72;
// So many flows wait at most until they are added to a state together: its lines then come from memory once.
inline constexpr unsigned kMostWaiting = 12;

struct StepSlot {
  base::IpAddr address;
  uint32_t number = 0;
  uint8_t kind = 0;        // NodeKind; 0: empty
  uint8_t states = 0;      // bit d: direction d has a state
  uint8_t logged[2] = {};  // by Direction: parts in its log
  Arena::Ref ref[2] = {};  // by Direction: the log's newest line, else the state; 0: none

  bool empty() const { return kind == 0; }
  bool has_state(Direction d) const { return (states >> d & 1) != 0; }
  NodeKey node() const { return {address, number, static_cast<NodeKind>(kind)}; }
  bool holds(const NodeKey& other) const { return node() == other; }
};
static_assert(sizeof(StepSlot) == 32);

// Where a direction that is still a log becomes a state for a look at it.
struct Scratch {
  ChunkPool pool;
  Arena arena{pool};
  DirectionState states[2];  // by Direction
};

class OpenStep {
 public:
  // sums_alone: every direction is a SumState; append(), trim() and state() are not for such a step.
  OpenStep(ChunkPool& pool, HashSeed seed, bool sums_alone = false);

  // The next slots, so many, are made without moving others.
  void make_room(size_t slots);
  // The node's slot, made when it is not there. It holds until make_room(), state() or clear().
  StepSlot& slot(const NodeKey& node, uint64_t hash);
  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash >> shift_], 1); }
  void prefetch_log(const StepSlot& slot, Direction d) const;
  // Of a step of sums alone.
  void prefetch_sums(const StepSlot& slot) const {
    prefetch_log(slot, kIn);
    prefetch_log(slot, kOut);
  }
  // The line of the log so many lines behind the newest, or the state behind it. REQUIRES: those before are in the cache.
  void prefetch_behind(const StepSlot& slot, Direction d, unsigned lines) const;

  // Adds to the log. True: it is as long as it may be, and trim() must follow before the next.
  bool append(StepSlot& slot, Direction d, const LoggedPart& part);
  void trim(StepSlot& slot, Direction d);
  // Adds to the state, at once.
  void add(StepSlot& slot, Direction d, const Part& part, const End& end);
  // Adds what is logged to the state, where there is one.
  void settle(StepSlot& slot, Direction d) {
    if (slot.logged[d] > 0 && slot.has_state(d)) make_state(slot, d);
  }

  // The state of (node, direction) with all that is logged, made when it is not there. The reference holds until the
  // next call of append() for it, or clear().
  DirectionState& state(const NodeKey& node, uint64_t hash, Direction direction);
  // The same without a change, maybe in `scratch`. Holds until the next call with that scratch and direction; the
  // sketches of a direction until rewind().
  StateView view(const StepSlot& slot, Direction d, Scratch& scratch) const;
  // The frame of the slot's node. REQUIRES: what is logged behind a state is settled; frame has kFeatureCount values.
  void finish(const StepSlot& slot, Scratch& scratch, std::span<float> frame) const;
  // bytes, packets, starting flows and groups so far.
  LoggedVolumes volumes(const StepSlot& slot, Direction d) const;

  size_t nodes() const { return used_; }
  const Arena& arena() const { return arena_; }
  Arena& arena() { return arena_; }
  // The used slots by node, ascending.
  std::vector<StepSlot> sorted() const;
  // The node's slot; null: it has none.
  const StepSlot* look_up(const NodeKey& node) const;
  // Calls visit(slot) for every used slot, in no order.
  template <typename Visit>
  void each(Visit visit) const {
    for (const auto& slot : slots_) {
      if (!slot.empty()) visit(slot);
    }
  }
  void clear();  // keeps the table's capacity
  size_t table_bytes() const { return slots_.size() * sizeof(StepSlot); }

 private:
  void grow();
  StepSlot& find(const NodeKey& node, uint64_t hash);
  DirectionState& make_state(StepSlot& slot, Direction d);
  // Calls visit(part) for all that is logged; returns what stands behind the log: the state or 0.
  template <typename Visit>
  Arena::Ref each_logged(const StepSlot& slot, Direction d, Visit visit) const;

  HashSeed seed_;
  bool sums_alone_;
  Arena arena_;
  std::vector<StepSlot, HugeAllocator<StepSlot>> slots_;
  unsigned shift_;  // 64 - log2(capacity)
  size_t used_ = 0;
};

}  // namespace netflowgen::series
