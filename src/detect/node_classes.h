// What kind of host each node is, by a class head such as "role": the head gives logits at each active step, and a node's class
// is that of their mean over its time. Exact in a stream, as two numbers a class are kept for each node.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/stop.h"
#include "infer/engine.h"
#include "series/frame_table.h"

namespace netflowgen::detect {

// The class of one node.
struct NodeClass {
  std::string node;
  uint64_t steps = 0;                 // active ones, that it is of
  std::vector<double> probabilities;  // [classes], empty without a step
  size_t top = 0;                     // index of the most likely class
};

// Mean logits by node. Invariant: the order of steps and nodes changes a mean by rounding alone. One thread.
class ClassTally {
 public:
  // Error: the model has no head of that name that names classes; says which it has.
  ClassTally(const infer::Model& model, std::string_view head);

  const std::vector<std::string>& classes() const { return classes_; }
  // Adds the active steps among `items`, as the engine answered them.
  void add(std::span<const infer::Item> items, const infer::Results& results);
  // The node loses what was added, as when the engine lets it go.
  void forget(uint64_t node) { nodes_.erase(node); }
  NodeClass of(const std::string& node) const;
  size_t nodes() const { return nodes_.size(); }

 private:
  struct Sums {
    uint64_t steps = 0;
    std::vector<double> logits;
  };

  size_t task_ = 0;
  std::vector<std::string> classes_;
  std::unordered_map<uint64_t, Sums> nodes_;  // by infer::node_key
};

// Every node of a table, in its order, by the streaming engine. Throws base::Stopped when asked to stop.
std::vector<NodeClass> classify_nodes(const std::shared_ptr<const infer::Model>& model, std::string_view head,
                                      const series::FrameTable& table, int threads,
                                      const base::StopFlag& stop, const base::ProgressFn& progress);

}  // namespace netflowgen::detect
