// Small tables for tests, written as they read.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "series/features.h"
#include "series/frame_table.h"

namespace netflowgen::eval {

// A table of one-minute steps over [first, end): per node a list of (step, flows_in), all other features 0.
inline series::FrameTable tiny_table(
    int64_t first, int64_t end,
    const std::vector<std::pair<std::string, std::vector<std::pair<int64_t, float>>>>& nodes) {
  series::FrameTable t;
  t.first_step = first;
  t.end_step = end;
  t.missing.assign(series::kFeatureCount, false);
  t.offsets.push_back(0);
  for (const auto& [name, rows] : nodes) {
    t.nodes.push_back(name);
    for (const auto& [step, flows] : rows) {
      t.steps.push_back(step);
      t.values.resize(t.values.size() + series::kFeatureCount, 0.0f);
      t.values[t.values.size() - series::kFeatureCount + series::kFlowsIn] = flows;
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

}  // namespace netflowgen::eval
