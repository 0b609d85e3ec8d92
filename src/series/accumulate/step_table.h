// The nodes of one open step: an open-addressing table from node to its two states.
//
// Invariants: 1. A slot is 32 bytes, so that it never straddles cache lines; capacity is a power of two, at
// most 5/8 full. 2. Hashes are keyed by a secret seed: a peer cannot choose addresses that collide. 3. States
// live in the step's arena and do not move when the table grows. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "series/accumulate/arena.h"
#include "series/accumulate/state.h"
#include "series/node.h"
#include "series/sketch.h"

namespace netflowgen::series {

struct StepSlot {
  NodeKey node;         // kind kNone: empty
  Arena::Ref state[2];  // by Direction; 0: none

  bool empty() const { return node.kind == NodeKind::kNone; }
};
static_assert(sizeof(StepSlot) == 32);

class OpenStep {
 public:
  OpenStep(ChunkPool& pool, HashSeed seed);

  // The state of (node, direction), made when it is not there. The reference holds until clear().
  DirectionState& state(const NodeKey& node, uint64_t hash, Direction direction);
  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash >> shift_], 1); }

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

  HashSeed seed_;
  Arena arena_;
  std::vector<StepSlot, HugeAllocator<StepSlot>> slots_;
  unsigned shift_;  // 64 - log2(capacity)
  size_t used_ = 0;
};

}  // namespace netflowgen::series
