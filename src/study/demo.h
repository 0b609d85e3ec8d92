// The stages of `netflowgen demo-train`: which periods its figures are of, and how its model learns.
#pragma once

#include <cstdint>

#include "eval/attacks/protocol.h"
#include "learn/pretrain.h"
#include "series/frame_table.h"

namespace netflowgen::study {

// Labels are seen in the first 60 %, its last quarter is for validation, figures come from the rest.
eval::DdosOptions demo_periods(const series::FrameTable& table);

// A short pre-training on the training period of `periods`. `spec`: what to train.
learn::PretrainOptions demo_pretraining(const model::ModelSpec& spec, int64_t steps,
                                        const series::FrameTable& table, const eval::DdosOptions& periods);

}  // namespace netflowgen::study
