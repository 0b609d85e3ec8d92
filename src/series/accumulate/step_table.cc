#include "series/accumulate/step_table.h"

#include <algorithm>
#include <utility>

namespace netflowgen::series {
namespace {

constexpr unsigned kFirstBits = 10;

}  // namespace

OpenStep::OpenStep(ChunkPool& pool, HashSeed seed)
    : seed_(seed), arena_(pool), slots_(size_t{1} << kFirstBits), shift_(64 - kFirstBits) {}

StepSlot& OpenStep::find(const NodeKey& node, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t i = hash >> shift_;
  while (!slots_[i].empty() && !(slots_[i].node == node)) i = (i + 1) & mask;
  return slots_[i];
}

DirectionState& OpenStep::state(const NodeKey& node, uint64_t hash, Direction direction) {
  StepSlot* slot = &find(node, hash);
  if (slot->empty()) [[unlikely]] {
    if ((used_ + 1) * 8 > slots_.size() * 5) {
      grow();
      slot = &find(node, hash);
    }
    slot->node = node;
    ++used_;
  }
  if (slot->state[direction] == 0) slot->state[direction] = arena_.make<DirectionState>();
  return arena_.at<DirectionState>(slot->state[direction]);
}

const StepSlot* OpenStep::look_up(const NodeKey& node) const {
  const size_t mask = slots_.size() - 1;
  size_t i = seed_.hash(node) >> shift_;
  while (!slots_[i].empty() && !(slots_[i].node == node)) i = (i + 1) & mask;
  return slots_[i].empty() ? nullptr : &slots_[i];
}

void OpenStep::grow() {
  std::vector<StepSlot, HugeAllocator<StepSlot>> old(slots_.size() * 2);
  old.swap(slots_);
  --shift_;
  for (const auto& s : old) {
    if (!s.empty()) find(s.node, seed_.hash(s.node)) = s;
  }
}

std::vector<StepSlot> OpenStep::sorted() const {
  std::vector<StepSlot> used;
  used.reserve(used_);
  std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(used),
               [](const StepSlot& s) { return !s.empty(); });
  std::sort(used.begin(), used.end(), [](const StepSlot& x, const StepSlot& y) { return x.node < y.node; });
  return used;
}

void OpenStep::clear() {
  if (used_ > 0) std::fill(slots_.begin(), slots_.end(), StepSlot{});
  used_ = 0;
  arena_.clear();
}

}  // namespace netflowgen::series
