// The stream as LibTorch computes it: the oracle of infer (tests/oracle) and what bench/infer races. Not for the
// program: those two include this header beside the façade.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "learn/feature_cache.h"

namespace netflowgen::learn {

// What one node's whole series gives, a row a position, all in one forward pass without a cache.
struct FullForward {
  std::vector<int64_t> steps;             // [positions]
  std::vector<float> hidden;              // [positions, d_model]
  std::vector<float> surprise;            // [positions, targets]; 0 at the first
  std::vector<float> next;                // [positions, target_vocabulary]
  std::vector<float> inject;              // [positions], or empty
  std::vector<float> direct;              // [positions, leads, volumes, quantiles], or empty
  std::vector<std::vector<float>> tasks;  // [tasks] of [positions, outputs]
};
FullForward full_forward(const Backbone& backbone, const series::FrameTable& table, size_t node);

// Steps all nodes of a table side by side, the same position of each. The inputs are encoded beforehand.
// REQUIRES: every node has at least `positions` positions, and positions >= the model's window.
class TorchStream {
 public:
  TorchStream(const Backbone& backbone, const series::FrameTable& table, size_t positions);
  ~TorchStream();

  // Hidden states and all heads of position p >= window - 1 from the whole window before it, [nodes, d_model].
  std::vector<float> step_window(size_t p);
  // The same with rings of cached keys and values. REQUIRES: called for p = 0, 1, 2, ...
  std::vector<float> step_cached(size_t p);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace netflowgen::learn
