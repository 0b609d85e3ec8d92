// Low-rank adapters: a file beside a model's weights that moves some of its matrices (docs/formats.md, Model folder).
//
//   W' = W + scale * up down        W [out, in], down [rank, in], up [out, rank]
//
// Merged once, when a folder is loaded, with sums in double precision and the result in float32: what comes after
// (packing, number formats, LibTorch) sees whole matrices, the same to the bit for training and for streaming.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/safetensors.h"

namespace netflowgen::model {

struct TensorSpec;

inline constexpr const char* kAdaptersFile = "adapters.safetensors";

class Adapters {
 public:
  Adapters() = default;  // none
  // REQUIRES: `weights` has every tensor of `specs`, float32 and of its shape.
  // Error: not such a file, a matrix that the model lacks, a part without the others, of another shape, or no number.
  Adapters(const base::fs::path& path, const std::vector<TensorSpec>& specs,
           const base::SafetensorsFile& weights);

  // Whole matrices by name; empty: no adapters.
  const std::map<std::string, std::vector<float>>& merged() const { return merged_; }

 private:
  std::map<std::string, std::vector<float>> merged_;
};

// One matrix's part of such a file.
struct LowRank {
  std::string matrix;
  int64_t rank = 0;
  float scale = 1;
  std::vector<float> down;  // [rank, in]
  std::vector<float> up;    // [out, rank]
};
void save_adapters(const base::fs::path& path, std::span<const LowRank> parts);

}  // namespace netflowgen::model
