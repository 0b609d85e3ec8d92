// Boosted trees beside a head's other parts. Private to this folder.
#pragma once

#include "learn/heads/head_data.h"

namespace netflowgen::learn {

// REQUIRES: side.z is standardised and holds the columns of columns_of(), both kinds of row are there.
// `dense`: the columns of side.z that trees may read, [begin, end). With side.offset the trees fit what that logit leaves.
// `depth`: that they are filled up to, at least options.tree_depth.
model::Trees fit_trees(const Side& side, std::pair<int64_t, int64_t> dense, const HeadOptions& options,
                       int depth);

}  // namespace netflowgen::learn
