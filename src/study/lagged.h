// What trees see of a row: now, a few steps ago, running means, and the calendar. Causal; idle steps are
// zeros.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::study {

struct LaggedOptions {
  std::vector<int64_t> lags = {1, 2, 3, 5, 10, 15, 30, 60};
  std::vector<int64_t> windows = {5, 15, 60, 240, 1440};  // steps before the row, itself not among them
};

// [rows, columns]
struct LaggedMatrix {
  size_t rows = 0;
  std::vector<std::string> columns;
  std::vector<float> values;

  const float* row(size_t r) const { return values.data() + r * columns.size(); }
};

// One row for each of the table's. Volumes and counts as log(1 + x): the value, its lags, its means over
// windows and the difference to each; of other features the value; minute of day and weekday in the
// table's time zone (docs/evaluation.md).
LaggedMatrix lagged_features(const eval::FrameTable& table, const LaggedOptions& options = {});

}  // namespace netflowgen::study
