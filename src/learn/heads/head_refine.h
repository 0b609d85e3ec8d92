// A head that starts from one the model came with. Private to this folder.
#pragma once

#include <span>

#include "learn/head.h"

namespace netflowgen::learn {

// options.start's logit, scaled, plus a ridge correction and boosted trees for what that leaves. The fewer incidents the
// labels hold, the less of either. REQUIRES: options.start. Errors: as train_head.
HeadWeights refine_head(const FeatureCache& cache, std::span<const Example> examples,
                        const HeadOptions& options);

}  // namespace netflowgen::learn
