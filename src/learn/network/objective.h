// The pre-training loss: next step, injected floods, quantiles ahead. Private to this folder.
#pragma once

#include "learn/network/network.h"

namespace netflowgen::learn {

struct ObjectiveOptions {
  double inject_weight = 1;
  double direct_weight = 1;
};

// How many targets of each kind a batch has: its loss is the mean over them.
struct TargetCounts {
  double next = 0;
  double inject = 0;
  double direct = 0;
  TargetCounts& operator+=(const TargetCounts& o);
};
TargetCounts count_targets(const WindowBatch& batch);

struct Objective {
  torch::Tensor total;  // differentiable
  // [4], without gradient: total, next (nats a target), inject (nats a position), direct (quantile loss in log units)
  torch::Tensor parts;
};

// What `slice` adds to the loss of a batch with the counts `whole`: over all slices it sums to the batch's.
Objective objective(const Network& network, const WindowBatch& slice, const TargetCounts& whole,
                    const ObjectiveOptions& options);

}  // namespace netflowgen::learn
