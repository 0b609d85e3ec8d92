// The streaming engine over a table: every series is walked once, as the stream would have seen it, and the caller gets what
// the engine found at the rows it asks for.
//
// Nodes are taken in groups that fit in memory, and of a group the first rows of all nodes are stepped together, then the
// second ones: what a node gets depends on its own rows alone, and where the model looks at surroundings on those of all the
// table's nodes. One thread calls; the engine shares the work among its own.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "infer/engine.h"
#include "series/frame_table.h"

namespace netflowgen::infer {

struct ScanOptions {
  Wanted wanted;                       // of the kept rows
  std::vector<size_t> nodes = {};      // indices of the table's nodes; empty: all
  int64_t end_step = INT64_MAX;        // rows from this step on are not seen
  std::vector<bool> keep = {};         // [rows]; empty: all
  bool idle = false;                   // also the idle position right before a kept row, where there is one
  int threads = 0;                     // 0: one a core
  size_t max_bytes = size_t{1} << 28;  // of the state of the nodes that are walked together
};

// Row i of `results` is of row rows[i] of the table; with `idle`, of the idle position before it. The spans are valid during
// the call. Rows of one node come in order; an idle position comes before its row.
struct ScanResults {
  std::span<const size_t> rows;
  bool idle = false;
  const Results& results;
};
using ScanVisitor = std::function<void(const ScanResults&)>;

// Error: the table has steps of another length than the model. Stopped.
void scan_table(const std::shared_ptr<const Model>& model, const series::FrameTable& table,
                const ScanOptions& options, const ScanVisitor& visit, const base::StopFlag& stop,
                const base::ProgressFn& progress);

// Error where the model is not for steps of this length.
void check_step(const Model& model, int64_t step_ms);

}  // namespace netflowgen::infer
