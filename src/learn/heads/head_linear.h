// The convex part of a task head: a prior that needs no label, and a ridge correction of it. With few or wrong labels the
// correction stays small and the score is the prior's. Private to this folder.
#pragma once

#include "learn/heads/head_data.h"

namespace netflowgen::learn {

// logit = weight . z + bias, z standardised.
struct LinearPart {
  torch::Tensor weight;  // float [Z]
  float bias = 0;
};

// The priors as such functions; those for which the head's input lacks what they need are left out.
std::vector<LinearPart> priors_of(const FeatureCache& cache, const HeadOptions& options,
                                  const torch::Tensor& mean, const torch::Tensor& deviation);

// Sum of scale * prior, plus a correction: the minimum of loss_of plus sum over columns of penalty * correction^2 plus
// ridge * (scale - 1 / priors)^2, by L-BFGS in double.
LinearPart fit_linear(const FeatureCache& cache, const Side& side, const std::vector<LinearPart>& priors,
                      const HeadOptions& options);

}  // namespace netflowgen::learn
