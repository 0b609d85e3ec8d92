// The open steps of a builder as they are so far: read, never changed, between two calls of add() or advance(). What a service
// scores and shows before a step closes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "series/builder.h"
#include "series/features.h"

namespace netflowgen::series {

class OpenFrames {
 public:
  // bytes, packets and flows in, then out. NaN: not known.
  using Volumes = std::array<float, 6>;
  using Visit = std::function<void(const NodeKey& node, const Volumes& volumes)>;

  explicit OpenFrames(const SeriesBuilder& builder) : builder_(builder) {}

  // Ascending. Steps that are spilled to the disk are left out.
  std::vector<int64_t> steps() const;
  // Of the open step that has most.
  static size_t most_nodes(const SeriesBuilder& builder);
  // Every node of an open step, in no order.
  void each(int64_t step, const Visit& visit) const;
  // The frame that closing the step now would give. False: the node has none.
  bool frame(int64_t step, const NodeKey& node, std::span<float> frame) const;

 private:
  const OpenStep* find(int64_t step) const;
  const SeriesBuilder& builder_;
  mutable Scratch scratch_;  // of frame()
};

}  // namespace netflowgen::series
