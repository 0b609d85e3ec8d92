// What a model sees of each node over its whole time: the mean of a head's input over the node's active steps. A head that is
// linear in its input then answers for the node with the mean of the logits that it gives to the steps, which is what a stream
// can add up (detect/node_classes.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "learn/feature_cache.h"
#include "series/frame_table.h"

namespace netflowgen::study {

struct NodePool {
  size_t hidden = 0;              // columns [0, hidden) are the hidden state, the others the dense inputs
  size_t width = 0;               // hidden + dense
  std::vector<uint64_t> steps;    // [nodes] that the mean is over
  std::vector<double> mean;       // [nodes, width]; 0 for a node without a step
  std::vector<double> deviation;  // [width] of all steps of all nodes, at least .01
  // [width, width] covariance of the same node's means over fifths of the time: what changes although the node stays what it is.
  std::vector<double> within;

  std::span<const double> of(size_t node) const { return {mean.data() + node * width, width}; }
};

// Nodes are walked in groups, so that memory stays bounded. Throws base::Stopped when asked to stop.
NodePool pool_nodes(const learn::Backbone& backbone, const series::FrameTable& table, learn::StepRange range,
                    const base::StopFlag& stop, const base::ProgressFn& progress);

// What a table says of each node without a model: share of active steps; of each feature the source gives mean, deviation and
// quantiles (volumes and counts as log1p); shares of the quarters of the day and of the weekend. [nodes, columns]; NaN: unknown.
struct NodeSummaries {
  std::vector<std::string> columns;
  std::vector<float> values;

  std::span<const float> of(size_t node) const {
    return {values.data() + node * columns.size(), columns.size()};
  }
};
NodeSummaries summarise_nodes(const series::FrameTable& table, learn::StepRange range);

}  // namespace netflowgen::study
