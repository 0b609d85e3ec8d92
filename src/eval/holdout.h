// Which nodes a model never learns from: a share of them, drawn so that similar nodes stay together. A node that
// resembles a node in training is not unseen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::eval {

struct HoldoutOptions {
  Period period;              // what is looked at: the training period, never the test
  double share = 0.2;         // of the nodes; a cluster that would pass it is left to the others
  double correlation = 0.98;  // of hourly means of log1p of the volumes: from here on two nodes are similar
  uint64_t seed = 1;
};

// Clusters of similar nodes, linked by pairs: [nodes] the lowest node of each one's cluster. A node without traffic or
// variation in the period is a cluster of its own.
std::vector<size_t> look_alikes(const FrameTable& table, const HoldoutOptions& options);

// [nodes] true: held out. The same options and table give the same nodes.
std::vector<bool> draw_holdout(const FrameTable& table, const HoldoutOptions& options);

// A node name a line; '#' begins a comment. Error: unreadable, or a name that the table lacks.
std::vector<bool> read_holdout(const std::string& path, const FrameTable& table);
std::string holdout_text(const FrameTable& table, const std::vector<bool>& held_out);

}  // namespace netflowgen::eval
