#include "series/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/random.h"

namespace netflowgen::series {
namespace {

constexpr size_t kSample = 100'000;

class Summarizer {
 public:
  explicit Summarizer(const fs::path& store) : store_(store) {
    out_.info = read_store_info(store);
    low_.fill(std::numeric_limits<float>::infinity());
    high_.fill(-std::numeric_limits<float>::infinity());
  }

  StoreSummary run() {
    for (const auto& info : out_.info.shards) add(Shard(store_, info));
    finish_features();
    finish_nodes();
    return std::move(out_);
  }

 private:
  void add(const Shard& shard) {
    std::vector<uint32_t> ids;
    for (const auto name : shard.names()) {
      const auto [it, added] =
          index_.try_emplace(std::string(name), static_cast<uint32_t>(out_.nodes.size()));
      if (added) out_.nodes.emplace_back().name = it->first;
      ids.push_back(it->second);
    }
    std::array<float, kFeatureCount> frame;
    for (size_t row = 0; row < shard.rows(); ++row) {
      shard.frame(row, frame);
      add_row(out_.nodes[ids[shard.nodes()[row]]], frame);
    }
  }

  void add_row(NodeSummary& node, const std::array<float, kFeatureCount>& frame) {
    ++node.rows;
    const auto add_to = [&frame](double& sum, size_t f) {
      if (std::isnan(frame[f])) return;
      sum = (std::isnan(sum) ? 0.0 : sum) + static_cast<double>(frame[f]);
    };
    add_to(node.bytes_in, kBytesIn);
    add_to(node.bytes_out, kBytesOut);
    add_to(node.flows_in, kFlowsIn);
    add_to(node.flows_out, kFlowsOut);
    for (size_t f = 0; f < kFeatureCount; ++f) {
      if (std::isnan(frame[f])) {
        ++missing_[f];
        continue;
      }
      zero_[f] += frame[f] == 0;
      low_[f] = std::min(low_[f], frame[f]);
      high_[f] = std::max(high_[f], frame[f]);
    }
    // Reservoir sampling, from a fixed seed: the same store gives the same figures.
    if (sample_.size() < kSample) {
      sample_.push_back(frame);
    } else if (const uint64_t at = random_.below(out_.rows + 1); at < kSample) {
      sample_[at] = frame;
    }
    ++out_.rows;
  }

  void finish_features() {
    out_.sampled_rows = sample_.size();
    const auto rows = static_cast<double>(std::max<uint64_t>(out_.rows, 1));
    for (size_t f = 0; f < kFeatureCount; ++f) {
      auto& s = out_.features[f];
      s.missing_share = static_cast<double>(missing_[f]) / rows;
      s.zero_share = static_cast<double>(zero_[f]) / rows;
      std::vector<float> values;
      for (const auto& frame : sample_) {
        if (!std::isnan(frame[f])) values.push_back(frame[f]);
      }
      s.quantiles.fill(std::numeric_limits<float>::quiet_NaN());
      if (values.empty()) continue;
      std::sort(values.begin(), values.end());
      for (size_t q = 0; q < kQuantiles.size(); ++q) {
        s.quantiles[q] = values[static_cast<size_t>(kQuantiles[q] * static_cast<double>(values.size() - 1))];
      }
      s.quantiles.front() = low_[f];
      s.quantiles.back() = high_[f];
    }
  }

  void finish_nodes() {
    const auto has = [&](size_t f) { return !out_.info.missing[f]; };
    const auto known = [](double sum) { return std::isnan(sum) ? 0.0 : sum; };
    const bool bytes = has(kBytesIn) || has(kBytesOut);
    const bool flows = has(kFlowsIn) || has(kFlowsOut);
    for (auto& n : out_.nodes) {
      n.weight = bytes   ? known(n.bytes_in) + known(n.bytes_out)
                 : flows ? known(n.flows_in) + known(n.flows_out)
                         : static_cast<double>(n.rows);
    }
    std::sort(out_.nodes.begin(), out_.nodes.end(), [](const NodeSummary& a, const NodeSummary& b) {
      return a.weight != b.weight ? a.weight > b.weight : a.name < b.name;
    });
  }

  fs::path store_;
  StoreSummary out_;
  std::unordered_map<std::string, uint32_t> index_;
  std::vector<std::array<float, kFeatureCount>> sample_;
  base::Random random_{1};
  std::array<uint64_t, kFeatureCount> missing_{};
  std::array<uint64_t, kFeatureCount> zero_{};
  std::array<float, kFeatureCount> low_{};
  std::array<float, kFeatureCount> high_{};
};

}  // namespace

StoreSummary summarize(const fs::path& store) { return Summarizer(store).run(); }

}  // namespace netflowgen::series
