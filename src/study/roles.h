// Task "role": what kind of host a node is. The model stays frozen; its view of a node, pooled over time (node_pool.h), is what a
// class head (class_head.h) learns from. Documented in docs/tasks.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/classes/class_eval.h"
#include "learn/feature_cache.h"
#include "series/frame_table.h"

namespace netflowgen::study {

inline constexpr const char* kRoleTask = "role";

struct RoleOptions {
  std::string model;
  std::string out;  // of finetune_roles: folder to write; may be `model`
  learn::StepRange range;
  double ridge = 0.01;
  std::string device = "cpu";
  int threads = 0;
};

struct RoleResult {
  std::vector<size_t> nodes;     // [classes] learnt from
  size_t silent = 0;             // labelled nodes without a step in the range
  double left_out_accuracy = 0;  // mean over the classes, each node named by the others
};

// Writes the model with a head "role" that knows the classes. What else the folder holds is kept: other heads, detect.json.
// Error: a class has no node with a step in the range.
RoleResult finetune_roles(const RoleOptions& options, const series::FrameTable& table,
                          const eval::NodeClasses& classes, const base::StopFlag& stop,
                          const base::ProgressFn& progress);

// "netflowgen", "netflowgen untrained" (the same Transformer with random weights), and without a model "XGBoost on summaries" and
// "ridge on summaries" (NodeSummaries). An empty options.model: the last two alone.
std::vector<std::unique_ptr<eval::ClassMethod>> role_methods(const RoleOptions& options,
                                                             const series::FrameTable& table,
                                                             const base::StopFlag& stop,
                                                             const base::ProgressFn& progress);

}  // namespace netflowgen::study
