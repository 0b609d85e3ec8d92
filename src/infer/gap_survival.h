// How likely a silence is.
#pragma once

#include <cstdint>
#include <span>

#include "infer/weights.h"

namespace netflowgen::infer {

// Probability that a node whose last position has this hidden state ([d_model]) is silent for `gap` steps and longer, under the gap
// head; 1 for gaps below 1.
double gap_survival(const Model& model, std::span<const float> hidden, int64_t gap);

}  // namespace netflowgen::infer
