// The dense inputs of rows of a table without a forward pass: all that boosted trees read.
#pragma once

#include <vector>

#include "series/frame_table.h"
#include "token/encoder.h"

namespace netflowgen::learn {

// [rows kept, encoder.dense()], in row order, as a model sees each row after the node's whole history. `keep`: [rows].
// `alone`: without what the other nodes do.
std::vector<float> dense_rows(const series::FrameTable& table, const token::Encoder& encoder,
                              const std::vector<bool>& keep, bool alone = false);

}  // namespace netflowgen::learn
