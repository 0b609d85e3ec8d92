// Labelled rows of a cache as tensors, and the losses over them. Private to this folder.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "learn/head.h"
#include "learn/network/torch.h"

namespace netflowgen::learn {

// The part of z that a head reads, as [begin, end) column ranges.
std::vector<std::pair<int64_t, int64_t>> columns_of(const FeatureCache& cache, const model::HeadSpec& spec);
torch::Tensor select_columns(const torch::Tensor& z, const std::vector<std::pair<int64_t, int64_t>>& ranges);

// The labelled rows of one side (training or validation).
struct Side {
  torch::Tensor z;       // [N, Z]
  torch::Tensor offset;  // [N] logit of the linear part, once it is fitted
  torch::Tensor target;  // [N] 1 attack
  torch::Tensor weight;  // [N], sums to 1: each event the same, however long it was
  std::vector<std::pair<int64_t, int64_t>> events;  // [begin, end) of each event's rows, which are adjacent
  double event_weight = 0;                          // of each of them, where the loss is over whole events
  bool both() const;                                // there are rows of both kinds
};

// Error: there is no attack, or no benign row.
void require_both(const Side& side);
// Incidents among the attacks of the examples.
size_t count_incidents(std::span<const Example> examples);

Side make_side(const FeatureCache& cache, std::vector<Example> examples, const HeadOptions& options);

// Weighted mean over the side's rows of a loss: "bce" or "safe".
torch::Tensor loss_of(const torch::Tensor& logits, const Side& side, std::string_view loss);

}  // namespace netflowgen::learn
