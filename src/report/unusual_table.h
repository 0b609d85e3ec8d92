// The most surprising moments of a table's nodes (unusual.h), without alerts: what the report's part of that name shows.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/stop.h"
#include "infer/weights.h"
#include "report/unusual.h"
#include "series/frame_table.h"

namespace netflowgen::report {

// At most `count` nodes, each at its most surprising step. Error: the model is not for the table's steps. Stopped.
std::vector<SurprisingStep> most_unusual(const std::shared_ptr<const infer::Model>& model,
                                         const series::FrameTable& table, size_t count, int threads,
                                         const base::StopFlag& stop, const base::ProgressFn& progress);

}  // namespace netflowgen::report
