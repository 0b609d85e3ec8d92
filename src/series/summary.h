// The contents of a store, in one pass over its shards: for `netflowgen inspect`. Memory: its nodes and a sample.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "base/nan.h"
#include "series/store.h"

namespace netflowgen::series {

struct FeatureSummary {
  double missing_share = 0;          // of the rows
  double zero_share = 0;             // of the rows
  std::array<float, 7> quantiles{};  // kQuantiles of the values that are not missing
};
inline constexpr std::array<double, 7> kQuantiles = {0, 0.01, 0.25, 0.5, 0.75, 0.99, 1};

struct NodeSummary {
  std::string name;
  uint64_t rows = 0;
  // Sums; NaN where not one value was ever given.
  double bytes_in = base::kNaN;
  double bytes_out = base::kNaN;
  double flows_in = base::kNaN;
  double flows_out = base::kNaN;
  // What nodes are ranked by: bytes, or flows where no bytes are known, or rows.
  double weight = 0;
};

struct StoreSummary {
  StoreInfo info;
  uint64_t rows = 0;
  uint64_t sampled_rows = 0;  // that quantiles are of; minimum, maximum and shares are of all rows
  std::array<FeatureSummary, kFeatureCount> features;
  std::vector<NodeSummary> nodes;  // by weight, descending
};

StoreSummary summarize(const fs::path& store);

}  // namespace netflowgen::series
