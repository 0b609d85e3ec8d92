// The names of the nodes that a store's writer is given, as numbers that stay from shard to shard: frames of a step come in the
// order of nodes, so the node after this one is mostly the one that came after it in the last step, and no table is asked.
//
// The nodes of the first step come in ascending order: they are a run, which is searched from where the last one was found. The table
// has those that came later.
//
// Invariants: 1. A name has one number, however it was given: as a NodeKey or as text. 2. Memory follows the nodes of the
// last shards: forget_idle() drops all once most are in use no more. One thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "series/node.h"

namespace netflowgen::series {

// The names of one shard in byte order, back to back.
struct ShardNames {
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> end;   // [nodes]
  std::vector<uint32_t> rank;  // by number: the position of the name; undefined where it is not in the shard
};

class NodeNames {
 public:
  uint32_t number(const NodeKey& node);
  uint32_t number(std::string_view name);

  size_t size() const { return names_.size(); }
  // All numbers in the byte order of their names. It holds until the next call.
  std::span<const uint32_t> by_name();
  // By number; all numbers are forgotten.
  std::vector<std::string> take_names();
  // Those that `rows` (numbers) name.
  ShardNames of_shard(std::span<const uint32_t> rows);
  // Forgets all numbers where fewer than half of them, and of 65,536, were `used`. REQUIRES: no row is kept.
  void forget_idle(size_t used);
  void clear();

 private:
  struct KeyHash {
    size_t operator()(const NodeKey& node) const { return HashSeed().hash(node); }
  };
  uint32_t add(std::string name, const NodeKey& node);
  uint32_t find_or_add(const NodeKey& node);
  // Whether the run goes on with this node.
  bool ascends(const NodeKey& node) const {
    return run_ == nodes_.size() && texts_.empty() && (run_ == 0 || nodes_.back() < node);
  }
  // The first number of the run that is not below the node; run_: there is none.
  uint32_t place_in_run(const NodeKey& node);
  void index_texts();
  void sort();

  std::vector<std::string> names_;
  std::vector<NodeKey> nodes_;   // kNone: given as text
  std::vector<uint32_t> after_;  // the number that came after this one last
  uint32_t last_ = 0;
  boost::unordered_flat_map<NodeKey, uint32_t, KeyHash> keys_;  // but those of the run
  uint32_t run_ = 0;                                            // the numbers below this ascend by node
  uint32_t place_ = 0;                               // in the run, where the last node was looked for
  std::unordered_map<std::string, uint32_t> texts_;  // empty while no name came as text
  std::vector<uint32_t> order_;  // numbers by name; those added since the last sort() are missing
};

}  // namespace netflowgen::series
