#include "series/frame_table.h"

#include <algorithm>

namespace netflowgen::series {

size_t FrameTable::lower_bound(size_t node, int64_t step) const {
  const auto begin = steps.begin() + static_cast<std::ptrdiff_t>(offsets[node]);
  const auto end = steps.begin() + static_cast<std::ptrdiff_t>(offsets[node + 1]);
  return static_cast<size_t>(std::lower_bound(begin, end, step) - steps.begin());
}

}  // namespace netflowgen::series
