// A head that starts from one the model came with. Private to this folder.
#pragma once

#include <span>

#include "learn/head.h"
#include "learn/heads/head_data.h"

namespace netflowgen::learn {

// The share of what the labels tell that these logits, [N] of the side's rows, tell already, 0 to 1: 1 less their loss over that
// of knowing only how many are attacks. REQUIRES: rows of both kinds.
double share_known(const Side& side, const torch::Tensor& logits);

// options.start's logit, scaled, plus a ridge correction and boosted trees for what that leaves. The fewer incidents the
// labels hold, the less of either, and the more the start knew, the less of the trees. REQUIRES: options.start. Errors: as train_head.
HeadWeights refine_head(const FeatureCache& cache, std::span<const Example> examples,
                        const HeadOptions& options);

}  // namespace netflowgen::learn
