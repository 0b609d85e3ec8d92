#include "series/frame_table.h"

#include <algorithm>
#include <numeric>

namespace netflowgen::series {

size_t FrameTable::lower_bound(size_t node, int64_t step) const {
  const auto begin = steps.begin() + static_cast<std::ptrdiff_t>(offsets[node]);
  const auto end = steps.begin() + static_cast<std::ptrdiff_t>(offsets[node + 1]);
  return static_cast<size_t>(std::lower_bound(begin, end, step) - steps.begin());
}

std::vector<uint32_t> rows_by_step(const FrameTable& table) {
  std::vector<uint32_t> rows(table.rows());
  std::iota(rows.begin(), rows.end(), uint32_t{0});
  std::stable_sort(rows.begin(), rows.end(),
                   [&](uint32_t a, uint32_t b) { return table.steps[a] < table.steps[b]; });
  return rows;
}

}  // namespace netflowgen::series
