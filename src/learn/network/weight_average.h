// The running mean of the weights over the last optimiser steps, which scores better on what was not learnt from than the weights
// of any one step (Polyak and Juditsky 1992; Izmailov et al., arXiv 1803.05407). Private to this folder.
#pragma once

#include <vector>

#include "learn/network/torch.h"

namespace netflowgen::learn {

class WeightAverage {
 public:
  // `decay`: of the mean, a step; 0: there is none, and nothing below does anything.
  WeightAverage(const std::vector<torch::Tensor>& weights, double decay);

  // After step `count` (from 1). The first steps count more, so that the mean forgets where training began.
  void add(const std::vector<torch::Tensor>& weights, int64_t count);
  void restart(const std::vector<torch::Tensor>& weights);  // the mean is what the weights are now
  std::vector<torch::Tensor>& tensors() { return mean_; }   // parallel to the weights; empty: none
  const std::vector<torch::Tensor>& tensors() const { return mean_; }

  // While one lives, the weights hold the mean.
  class InUse {
   public:
    InUse(WeightAverage& average, std::vector<torch::Tensor>& weights);
    ~InUse();
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    WeightAverage* average_;
    std::vector<torch::Tensor>* weights_;
  };

 private:
  void swap(std::vector<torch::Tensor>& weights);

  double decay_;
  std::vector<torch::Tensor> mean_;
};

}  // namespace netflowgen::learn
