// The reference of TreesView::sum, tree by tree, for tests and benchmarks: the same sum, to the bit.
#pragma once

#include <cstddef>

#include "model/trees.h"

namespace netflowgen::model {

inline float reference_sum(const TreesView& trees, const float* z) {
  const size_t inner = (size_t{1} << trees.depth) - 1;
  float total = 0;
  for (size_t t = 0; t < static_cast<size_t>(trees.count); ++t) {
    const float* const column = trees.columns.data() + t * inner;
    const float* const threshold = trees.thresholds.data() + t * inner;
    size_t at = 0;
    for (int level = 0; level < trees.depth; ++level)
      at = 2 * at + (z[static_cast<size_t>(column[at])] < threshold[at] ? 1 : 2);
    total += trees.leaves[t * (inner + 1) + at - inner];
  }
  return total;
}

}  // namespace netflowgen::model
