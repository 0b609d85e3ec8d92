// A store's frames in memory, by node and then by time: what tokenizers, training, baselines and evaluation
// read.
//
// Invariants: 1. Only active frames are rows: a (node, step) with no row is idle, its value of feature f is
// 0, or missing where `missing[f]`. 2. Rows of node n are [offsets[n], offsets[n + 1]), their steps strictly
// increase.
// 3. Plain data; safe to read from many threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "series/features.h"
#include "series/node_choice.h"

namespace netflowgen::series {

struct FrameTable {
  int64_t step_ms = 60000;
  int64_t first_step = 0;  // of the archive: steps since the epoch, [first_step, end_step)
  int64_t end_step = 0;
  std::vector<std::string> nodes;  // "172.16.112.50", "10.0.0.0/8", "192.0.2.1#7" (exporter#interface), ...
  std::vector<uint64_t> offsets;   // [nodes + 1]
  std::vector<int64_t> steps;      // [rows], since the epoch
  std::vector<float> values;       // [rows, kFeatureCount]
  std::vector<bool> missing;       // [kFeatureCount]: never given by the source
  std::string timezone = "UTC";    // IANA name or "+hh:mm"; calendar tokens use it
  NodeChoice choice = {};          // which nodes were asked for

  size_t rows() const { return steps.size(); }
  std::span<const float> frame(size_t row) const {
    return {values.data() + row * kFeatureCount, static_cast<size_t>(kFeatureCount)};
  }
  // First row of `node` whose step is >= `step`.
  size_t lower_bound(size_t node, int64_t step) const;
};

// All rows by step, then node. [rows]
std::vector<uint32_t> rows_by_step(const FrameTable& table);

// What to keep when a store is read.
struct FrameFilter {
  base::TimeMs from_ms = INT64_MIN;  // [from, to)
  base::TimeMs to_ms = INT64_MAX;
  uint64_t min_flows = 0;               // nodes with fewer flows (in + out) within `from`..`to` are left out
  std::vector<std::string> nodes = {};  // names or CIDRs; empty: all
};

}  // namespace netflowgen::series
