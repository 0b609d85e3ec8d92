// The state of every node, in arrays sized once: what a restart must bring back.
//
// Per slot: the node's key, its encoder state, the number of its positions, its last hidden vector, the ring
// of keys and values of every layer, and where the spec asks for seasonal inputs the values of the last
// max(season_lags) steps.
//   ring    [layers, 2, kv_heads, ...] of the cache's type: keys [head_dim, padded(window)], values
//           [window, padded(head_dim)]; position p is at slot p % window
//   scales  [layers, 2, kv_heads, padded(window)] bf16; int8 only
//
// Invariants: 1. Slots [0, used) are nodes; a node keeps its slot until it is evicted. 2. Slots stand in a
// list by their last active frame; the front is the longest idle. 3. admit, touch and find are for the thread
// that owns the engine; what a slot holds is for the one worker that steps it. 4. Memory that no node has
// used is not touched.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "infer/buffer.h"
#include "infer/kernels/kernels.h"
#include "infer/weights.h"

namespace netflowgen::infer {

class NodeStates {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // What one node takes, bookkeeping included.
  static size_t bytes_per_node(const Model& model, Precision cache);

  NodeStates(const Model& model, Precision cache, size_t capacity);

  size_t capacity() const { return capacity_; }
  size_t used() const { return keys_.size(); }
  Precision cache() const { return cache_; }

  uint32_t find(uint64_t key) const;
  // A fresh slot for `key`: a free one, else the longest idle node's, whose key is put in `evicted`. kNone
  // when the longest idle node is busy (stamped with `epoch`). REQUIRES: find(key) == kNone.
  uint32_t admit(uint64_t key, uint64_t epoch, std::vector<uint64_t>& evicted);
  // Takes the memory of slots [first, last) from the system; beside any thread. False: it cannot be had.
  bool populate(size_t first, size_t last) const;
  // Forgets every node.
  void clear();
  // Makes the node the least idle.
  void touch(uint32_t slot);
  // Sets the slot to what it was before the node's first position.
  void reset(uint32_t slot);

  uint64_t key(uint32_t slot) const { return keys_[slot]; }
  uint64_t& busy(uint32_t slot) { return busy_[slot]; }  // epoch of the last call that stepped it
  uint32_t& row(uint32_t slot) { return rows_.as<uint32_t>()[slot]; }  // of the node lookup
  token::NodeState& state(uint32_t slot) { return states_.as<token::NodeState>()[slot]; }
  const token::NodeState& state(uint32_t slot) const { return states_.as<token::NodeState>()[slot]; }
  uint64_t& positions(uint32_t slot) { return positions_.as<uint64_t>()[slot]; }
  uint64_t positions(uint32_t slot) const { return positions_.as<uint64_t>()[slot]; }
  float* hidden(uint32_t slot) { return hidden_.as<float>() + slot * d_model_; }
  const float* hidden(uint32_t slot) const { return hidden_.as<float>() + slot * d_model_; }
  Ring ring(uint32_t slot, size_t layer);
  // [season_steps(), volumes], log1p values; step s is at row s mod season_steps().
  float* season(uint32_t slot) { return season_.as<float>() + slot * season_steps_ * volumes_; }
  size_t season_steps() const { return season_steps_; }

  // What a field's values must be like to be accepted.
  enum class Rule : uint8_t { kStep, kPositions, kIdleRun, kSeen, kLevel, kSeason, kFinite, kAny };
  // One field of every slot, for the state file.
  struct Column {
    const char* name;
    Rule rule;
    base::DType dtype;
    base::Shape shape;  // of one slot
    uint8_t* data;      // of slot 0
    size_t bytes;       // of one slot
    size_t stride;      // from slot to slot
  };
  std::vector<Column> columns();
  // Slots from the longest idle to the least.
  std::vector<uint32_t> by_idleness() const;

 private:
  struct Layout {
    size_t half;    // elements of the keys, or of the values, of one layer
    size_t ring;    // elements
    size_t scales;  // elements
  };
  static Layout layout_of(const model::ModelSpec& spec, Precision cache);
  void unlink(uint32_t slot);
  void link_last(uint32_t slot);

  Ring shape_;  // without pointers
  Layout layout_;
  Precision cache_;
  size_t capacity_;
  size_t layers_;
  size_t d_model_;
  size_t season_steps_;
  bool running_;    // NodeState's running means are in use
  bool universal_;  // and its profile
  size_t volumes_;
  boost::unordered_flat_map<uint64_t, uint32_t> slots_;
  std::vector<uint64_t> keys_;
  std::vector<uint64_t> busy_;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> previous_;
  uint32_t first_ = kNone;  // the longest idle
  uint32_t last_ = kNone;
  Buffer rows_;
  Buffer states_;
  Buffer positions_;
  Buffer hidden_;
  Buffer ring_;
  Buffer scales_;
  Buffer season_;
};

}  // namespace netflowgen::infer
