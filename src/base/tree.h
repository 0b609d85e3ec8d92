// One decision tree as plain nodes: what a booster fits and a model's file keeps.
#pragma once

#include <vector>

namespace netflowgen::base {

// From node 0: to `left` where x[column] < value, else to `right`; at a leaf (left < 0) `value` is the tree's output.
struct TreeNode {
  int left = -1;
  int right = -1;
  int column = 0;
  float value = 0;
};
using Tree = std::vector<TreeNode>;

}  // namespace netflowgen::base
