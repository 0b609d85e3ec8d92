// Vectors of a table: the mean of the model's hidden states over a node's rows, and its inputs at every row.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/stop.h"
#include "infer/weights.h"
#include "series/frame_table.h"

namespace netflowgen::infer {

struct Embedding {
  size_t width = 0;            // d_model
  std::vector<float> mean;     // [nodes, width]; zeros for a node without rows
  std::vector<int64_t> steps;  // [nodes] rows of each
};

// A node's rows are added in order: the bits depend on nothing else. Error, Stopped: as scan_table.
Embedding embed_nodes(const std::shared_ptr<const Model>& model, const series::FrameTable& table, int threads,
                      const base::StopFlag& stop, const base::ProgressFn& progress);

// The inputs beside the tokens at every row, [rows, Encoder::dense()]. Error: the model takes seasonal inputs, which only the
// engine has.
std::vector<float> dense_inputs(const Model& model, const series::FrameTable& table);

}  // namespace netflowgen::infer
