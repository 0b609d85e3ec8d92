// A sum of decision trees, each complete and of one depth, in flat tables: a part of a task head (spec.h). learn makes
// them, infer and learn read them by this one function, so that they cannot disagree.
//
// A tree of depth D has 2^D - 1 inner nodes in level order: from node i, with z[column i] < threshold i, to node 2 i + 1,
// else to 2 i + 2; node 2^D - 1 + k is leaf k. Columns are integers in floats, as all tensors of a model are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/tree.h"

namespace netflowgen::model {

inline constexpr int kMaxTreeDepth = 8;
inline constexpr int kMaxTrees = 4096;

struct TreesView {
  int count = 0;
  int depth = 0;
  std::span<const float> columns;     // [count, 2^depth - 1]
  std::span<const float> thresholds;  // [count, 2^depth - 1]
  std::span<const float> leaves;      // [count, 2^depth]

  // REQUIRES: every column is below the width of z, and z holds no NaN.
  float sum(const float* z) const;
};

struct Trees {
  int count = 0;
  int depth = 0;
  std::vector<float> columns, thresholds, leaves;

  TreesView view() const { return {count, depth, columns, thresholds, leaves}; }
};

// The trees filled up to `depth`; `first` is added to their columns. REQUIRES: none is deeper.
Trees complete(const std::vector<base::Tree>& trees, int depth, int first);

// What is wrong with trees of a file over `inputs` columns from `first` on, or "".
std::string problem(const TreesView& trees, int first, int inputs);

}  // namespace netflowgen::model
