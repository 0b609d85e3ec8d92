// Answers to the queries of aggregate_sql.h, added to the accumulators of open steps. One thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "series/accumulate/state.h"
#include "series/builder.h"
#include "series/pushdown/aggregate_sql.h"

namespace netflowgen::series {

// The steps of one slice, by their distance from its first.
class SliceStates {
 public:
  explicit SliceStates(uint32_t known) : known_(known) {}

  // Error: an answer that is cut, or a step or set that was not asked for.
  void add_sums(std::string_view answer, NodeKind kind);
  void add_sets(std::string_view answer, NodeKind kind, SetKind set);
  // Every step's frames, in the order of steps and nodes; `first_step` is the slice's.
  void finish(int64_t first_step, const FeatureChoice& features, FrameSink& sink);
  uint64_t frames() const { return frames_; }
  // Whether there is a state, and the steps of the first and the last one.
  bool any() const { return !steps_.empty(); }
  uint32_t first() const { return steps_.begin()->first; }
  uint32_t last() const { return steps_.rbegin()->first; }

 private:
  struct Row;
  struct KeyHash {
    size_t operator()(const NodeKey& node) const { return HashSeed().hash(node); }
  };
  struct Step {
    explicit Step(ChunkPool& pool) : arena(pool) {}
    Arena arena;
    std::unordered_map<NodeKey, std::array<Arena::Ref, 2>, KeyHash> nodes;  // by Direction; 0: none
  };
  DirectionState& state_of(const Row& row, NodeKind kind, bool must_be_there, Arena*& arena);

  uint32_t known_;
  ChunkPool pool_;
  std::map<uint32_t, std::unique_ptr<Step>> steps_;
  uint64_t frames_ = 0;
};

}  // namespace netflowgen::series
