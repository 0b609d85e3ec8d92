#include "model/trees.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace netflowgen::model {
namespace {

struct Filler {
  const base::Tree& from;
  int depth;
  int first;
  float* columns;
  float* thresholds;
  float* leaves;

  // Node `node` of the tree is at place `at`, `level` deep. Below a leaf everything goes left to its value.
  void fill(int node, size_t at, int level) const {
    const base::TreeNode& n = from[static_cast<size_t>(node)];
    if (level == depth) {
      NFG_CHECK(n.left < 0);
      leaves[at - ((size_t{1} << depth) - 1)] = n.value;
      return;
    }
    const bool leaf = n.left < 0;
    columns[at] = static_cast<float>(first + (leaf ? 0 : n.column));
    thresholds[at] = leaf ? std::numeric_limits<float>::max() : n.value;
    fill(leaf ? node : n.left, 2 * at + 1, level + 1);
    fill(leaf ? node : n.right, 2 * at + 2, level + 1);
  }
};

}  // namespace

float TreesView::sum(const float* z) const {
  const size_t inner = (size_t{1} << depth) - 1;
  float total = 0;
  for (size_t t = 0; t < static_cast<size_t>(count); ++t) {
    const float* const column = columns.data() + t * inner;
    const float* const threshold = thresholds.data() + t * inner;
    size_t at = 0;
    for (int level = 0; level < depth; ++level)
      at = 2 * at + (z[static_cast<size_t>(column[at])] < threshold[at] ? 1 : 2);
    total += leaves[t * (inner + 1) + at - inner];
  }
  return total;
}

Trees complete(const std::vector<base::Tree>& trees, int depth, int first) {
  NFG_CHECK(depth >= 0 && depth <= kMaxTreeDepth);
  const size_t inner = (size_t{1} << depth) - 1;
  Trees all{static_cast<int>(trees.size()), depth, std::vector<float>(trees.size() * inner),
            std::vector<float>(trees.size() * inner), std::vector<float>(trees.size() * (inner + 1))};
  for (size_t t = 0; t < trees.size(); ++t) {
    Filler{trees[t],
           depth,
           first,
           all.columns.data() + t * inner,
           all.thresholds.data() + t * inner,
           all.leaves.data() + t * (inner + 1)}
        .fill(0, 0, 0);
  }
  return all;
}

std::string problem(const TreesView& trees, int first, int inputs) {
  for (const float c : trees.columns) {
    if (!(c >= static_cast<float>(first)) || !(c < static_cast<float>(first + inputs)) || c != std::floor(c))
      return "a tree reads a column that is not a dense input of the head";
  }
  return "";
}

}  // namespace netflowgen::model
