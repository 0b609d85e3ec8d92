// Advances every node by one step with cached keys and values, exactly as the full model would.
//
// One thread owns an Engine and calls it; a step's work is shared among options.threads workers, each with
// its own nodes, without locks. The model is shared and constant.
//
// Invariants: 1. What a node gets depends on its own items alone: not on the batch, not on its neighbours,
// not on the number of threads (to the bit). 2. Idle positions that the caller left out are stepped before a
// node's next item, so that the answer is that of the whole series. Of a gap in a model that keeps every step
// only the part that the window can still see is stepped. 3. A node that has been silent for the spec's R
// steps is not stepped. 4. items: in = out + drops; nodes: in = held + evicted.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "infer/snapshot.h"
#include "infer/weights.h"

namespace netflowgen::infer {

// The engine's name of a node. A 64-bit hash, so that it is the same after a restart.
uint64_t node_key(std::string_view name);

// One step of one node. At most one item a node and call.
struct Item {
  uint64_t node = 0;  // node_key(name)
  int64_t step = 0;   // since the epoch
  // [kFeatureCount]; empty: the node was idle. The caller's memory, read until step() returns.
  std::span<const float> frame = {};
  // [Encoder::season()] as Encoder::encode wants it; empty: from the engine's own ring.
  std::span<const float> season = {};
  uint32_t row = 0;  // of the node lookup, where the spec has one; 0: unknown
  // [token::kSurroundInputs] what token::Surroundings gives; empty: not known. As frame.
  std::span<const int8_t> surround = {};
};

enum class Drop : uint8_t {
  kNone,         // stepped
  kAsleep,       // idle, and silent for longer than R steps: not a position
  kUnknownNode,  // idle, of a node that never had a frame
  kClockBack,    // at or before the node's last position
  kClockAhead,   // further ahead of the engine's clock than options.max_ahead, or no time at all
  kRepeated,     // a second item of a node in one call
  kArenaFull,    // a new node, and every slot is in use by this very call
  kBadFrame,     // a frame or seasonal input of another length
  kCount
};
std::string_view name_of(Drop drop);

enum class NodeDrop : uint8_t { kEvicted, kForgotten, kCount };
std::string_view name_of(NodeDrop drop);

// Which results a call computes; what is not wanted is not computed.
struct Wanted {
  bool hidden = true;
  bool surprise = true;
  bool tasks = true;
  bool inject = true;
  bool direct = true;
  bool next = false;
  bool forecast = false;
};

// What a call found, a row an item; rows of items that were dropped hold nothing. Reuse it from call to call.
struct Results {
  std::vector<Drop> drop;            // [items]
  std::vector<uint32_t> position;    // [items] number of the position, from 0: the window is warm at `window`
  std::vector<token::Token> tokens;  // [items, levels] what was seen, as tokens
  std::vector<float> level;          // [items, volumes] the node's own level, log1p, after the step
  std::vector<float> hidden;         // [items, d_model]
  std::vector<float> surprise;       // [items, targets]: level channels, then gap
  std::vector<std::vector<float>> tasks;  // [tasks] of [items, outputs], logits
  std::vector<float> inject;              // [items], logit
  std::vector<float> direct;              // [items, leads, volumes, quantiles] as Encoder::target
  std::vector<float> forecast;    // [items, volumes, quantiles] direct's first lead as log1p minus level
  std::vector<float> next;        // [items, target_vocabulary], logits of the next position
  std::vector<uint64_t> evicted;  // nodes that lost their state in this call

  bool stepped(size_t item) const { return drop[item] == Drop::kNone; }
};

struct EngineOptions {
  Precision cache = Precision::kFloat32;  // of keys and values
  size_t max_nodes = 0;                   // 0: as many as max_bytes holds
  size_t max_bytes = size_t{4} << 30;     // of per-node state; taken from the system as nodes come
  int threads = 1;                        // 0: one a core
  int64_t max_ahead_ms = 7 * 86400000LL;  // an item further ahead than this of all others is dropped
};

class Engine {
 public:
  // Error: an arena too small for one node.
  Engine(std::shared_ptr<const Model> model, const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Model& model() const { return *model_; }
  const EngineOptions& options() const { return options_; }
  size_t capacity() const;
  size_t nodes() const;
  size_t threads() const;
  size_t bytes_per_node() const;

  // So many nodes will be there soon: their memory is taken from the system meanwhile, by a thread of the lowest priority. A wish; no
  // result depends on it. wait_for_memory(): until it is there.
  void expect(size_t nodes);
  void wait_for_memory();

  // The one call. Bad items are counted and said in results.drop; nothing here throws on data.
  void step(std::span<const Item> items, const Wanted& wanted, Results& results);

  // What step() would find for items of one node, steps ascending, one after another, without keeping any of it: no state, no
  // ledger and no clock changes, to the bit. For frames that are not final yet. Costs a copy of the node's state. Rows of
  // `results` as of step(); items of a node that is not known, or not later than its last position, are dropped there.
  // REQUIRES: all items are of one node.
  void peek(std::span<const Item> items, const Wanted& wanted, Results& results);

  // The idle items that are due: nodes awake at `step` that have had no item at it. Call it after the frames
  // of `step` were stepped, and pass what it returns to step(). Costs the nodes that are awake, not those
  // asleep.
  std::vector<Item> idle_items(int64_t step);

  // Probability that a node is silent for as long as it has been at `step` and longer, under the gap head of
  // its last position; 1 for unknown nodes.
  double silence(uint64_t node, int64_t step) const;

  // The state of every node in one safetensors file (docs/formats.md, Streaming state), with the caller's own
  // tensors and metadata beside it; names and keys that begin with "infer." are the engine's. After a restore
  // everything continues with the same bits. Call them between steps. Error: see each.
  void save(const base::fs::path& path, const base::NamedTensors& extra = {},
            const base::Metadata& metadata = {}) const;  // cannot be written; an older file stays
  // As save, but written by a copy of the process while this one continues. What `extra` points to may change as
  // soon as this returns. One at a time: an unfinished snapshot to the same path would race with this one.
  Snapshot snapshot(const base::fs::path& path, const base::NamedTensors& extra = {},
                    const base::Metadata& metadata = {}) const;
  // Replaces all nodes. Where the file holds more than fit, the longest idle are counted as forgotten. Error:
  // no such file, damaged, of another model, of another cache type; the engine is as it was then.
  void restore(const base::fs::path& path);
  int64_t clock() const;  // the latest step of all items; token::kNever before the first

  // True when the node has state, and its last position.
  bool known(uint64_t node) const;

  base::LedgerView items_ledger() const;
  base::LedgerView nodes_ledger() const;
  uint64_t caught_up() const;  // idle positions stepped late (invariant 2)

 private:
  struct Impl;
  std::shared_ptr<const Model> model_;
  EngineOptions options_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace netflowgen::infer
