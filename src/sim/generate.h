// Series made by a model: its forecast of a node's next step is drawn from, the draw goes back into the model, and so on.
//
// The softmaxes of the next-step head are independent of each other given the hidden state, so a draw from each would give steps whose
// features do not fit together. Instead every feature's value is kept as its rank under the forecast that was made of it, for the steps
// that the node really had. A generated step takes the ranks of one such step, whose state was like the present one, for all features at
// once (the empirical copula of the model's own errors), and looks up the values that have them under the forecast at hand. Values within
// a token are the node's own. The shares that tokens had in the node's past correct the forecasts and weigh a quarter beside them, so
// that a long series does not drift away.
//
// Invariants: 1. What a node gets depends on the model, its own history, the options and the seed: not on threads or other nodes, but
// where its own history is too short and ranks of others are taken. The same call gives the same bits. 2. Frames hold together: no
// flow without a packet, shares of protocols that add up, no more peers than flows, whole numbers where things are counted. 3. A
// feature that the node's history never had is missing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "infer/weights.h"
#include "series/frame_table.h"

namespace netflowgen::sim {

// A node to generate, after the model of one of the table's.
struct GeneratedNode {
  size_t source = 0;  // index of the table's node
  std::string name;
};

constexpr int64_t kMostGeneratedSteps = 100'000'000;

struct GenerateOptions {
  std::vector<GeneratedNode> nodes = {};  // empty: all of the table, under their own names
  int64_t steps = 0;  // to generate, from the table's end_step on; kMostGeneratedSteps at most
  uint64_t seed = 1;
  int threads = 0;        // 0: one a core
  size_t history = 2048;  // active steps of a node whose ranks are kept, the latest
  double run = 1;         // mean number of steps in a row whose ranks are taken in order
  bool independent =
      false;  // each feature's rank from a step of its own: what the joint draw is compared with
};

struct GenerateCounts {
  uint64_t nodes = 0;  // with at least one active step
  uint64_t frames = 0;
  uint64_t silent = 0;   // nodes that stayed silent to the end
  uint64_t learned = 0;  // active steps whose ranks were kept
};

// As many nodes with addresses of the prefix, from its first host on, each after a node of the table that is drawn. UsageError: it is
// no prefix, or has fewer addresses. REQUIRES: the table has a node, count > 0.
std::vector<GeneratedNode> draw_nodes(const series::FrameTable& table, int64_t count,
                                      const std::string& prefix, uint64_t seed);

// Steps of one node ascend; nodes come one after another or mixed.
using FrameVisitor = std::function<void(const std::string& node, int64_t step, std::span<const float> frame)>;

// Error: the table has no active step, steps of another length than the model, or a name twice. Stopped.
GenerateCounts generate(const std::shared_ptr<const infer::Model>& model, const series::FrameTable& table,
                        const GenerateOptions& options, const FrameVisitor& visit, const base::StopFlag& stop,
                        const base::ProgressFn& progress);

// Makes a frame hold together (invariant 2), in place; [kFeatureCount]. NaN stays NaN. False: it is idle, as nothing is left of it.
bool make_consistent(std::span<float> frame);

}  // namespace netflowgen::sim
