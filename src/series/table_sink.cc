#include "series/table_sink.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/error.h"

namespace netflowgen::series {

void TableSink::frame(const NodeKey& node, int64_t step, std::span<const float> frame) {
  const auto [it, fresh] = keys_.try_emplace(node, 0);
  if (fresh) it->second = index_of(name_of(node));
  add_row(it->second, step, frame);
}

void TableSink::add(std::string_view node, int64_t step, std::span<const float> frame) {
  add_row(index_of(node), step, frame);
}

uint32_t TableSink::index_of(std::string_view name) {
  const auto [it, fresh] = index_.try_emplace(std::string(name), static_cast<uint32_t>(names_.size()));
  if (fresh) names_.emplace_back(name);
  return it->second;
}

void TableSink::add_row(uint32_t node, int64_t step, std::span<const float> frame) {
  NFG_CHECK(frame.size() == kFeatureCount);
  nodes_.push_back(node);
  steps_.push_back(step);
  values_.insert(values_.end(), frame.begin(), frame.end());
  cover(step, step + 1);
}

void TableSink::cover(int64_t first_step, int64_t end_step) {
  if (first_step >= end_step) return;
  const bool empty = first_step_ == end_step_;
  first_step_ = empty ? first_step : std::min(first_step_, first_step);
  end_step_ = empty ? end_step : std::max(end_step_, end_step);
}

void TableSink::discard() { *this = TableSink(); }

FrameTable TableSink::finish(int64_t step_ms, std::string timezone, NodeChoice choice) {
  FrameTable table;
  table.step_ms = step_ms;
  table.timezone = std::move(timezone);
  table.choice = std::move(choice);
  table.first_step = first_step_;
  table.end_step = end_step_;
  std::vector<uint32_t> order(names_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
  std::vector<uint32_t> rank(names_.size());
  for (uint32_t r = 0; r < order.size(); ++r) rank[order[r]] = r;

  std::vector<size_t> rows(steps_.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  std::sort(rows.begin(), rows.end(), [&](size_t a, size_t b) {
    return std::pair(rank[nodes_[a]], steps_[a]) < std::pair(rank[nodes_[b]], steps_[b]);
  });
  table.offsets.assign(names_.size() + 1, 0);
  table.missing.assign(kFeatureCount, true);
  table.steps.reserve(rows.size());
  table.values.reserve(values_.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t row = rows[i];
    if (i > 0 && nodes_[row] == nodes_[rows[i - 1]] && steps_[row] == steps_[rows[i - 1]])
      throw base::Error("node {} has two frames at {}; a node has one frame a step", names_[nodes_[row]],
                        base::format_time(steps_[row] * step_ms));
    ++table.offsets[rank[nodes_[row]] + 1];
    table.steps.push_back(steps_[row]);
    const float* const from = values_.data() + row * kFeatureCount;
    table.values.insert(table.values.end(), from, from + kFeatureCount);
    for (size_t f = 0; f < kFeatureCount; ++f) {
      if (!std::isnan(from[f])) table.missing[f] = false;
    }
  }
  std::partial_sum(table.offsets.begin(), table.offsets.end(), table.offsets.begin());
  for (const uint32_t n : order) table.nodes.push_back(std::move(names_[n]));
  discard();
  return table;
}

}  // namespace netflowgen::series
