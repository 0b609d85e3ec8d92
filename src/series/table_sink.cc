#include "series/table_sink.h"

#include <algorithm>
#include <array>
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
  const size_t at = steps_.size();
  if (at / kChunkRows == chunks_.size())
    chunks_.push_back(std::make_unique_for_overwrite<float[]>(kChunkRows * kFeatureCount));
  std::copy(frame.begin(), frame.end(), chunks_[at / kChunkRows].get() + at % kChunkRows * kFeatureCount);
  nodes_.push_back(node);
  steps_.push_back(step);
  cover(step, step + 1);
}

void TableSink::cover(int64_t first_step, int64_t end_step) {
  if (first_step >= end_step) return;
  const bool empty = first_step_ == end_step_;
  first_step_ = empty ? first_step : std::min(first_step_, first_step);
  end_step_ = empty ? end_step : std::max(end_step_, end_step);
}

void TableSink::discard() { *this = TableSink(); }

// Rows mostly come by step, so that a node's are in order as they are counted.
std::vector<size_t> TableSink::rows_in_order(std::span<const uint32_t> rank,
                                             std::span<const uint64_t> offsets) const {
  std::vector<size_t> order(nodes_.size());
  std::vector<uint64_t> next(offsets.begin(), offsets.end() - 1);
  for (size_t row = 0; row < nodes_.size(); ++row) order[next[rank[nodes_[row]]]++] = row;
  const auto earlier = [&](size_t a, size_t b) { return steps_[a] < steps_[b]; };
  for (size_t n = 0; n + 1 < offsets.size(); ++n) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(offsets[n]);
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(offsets[n + 1]);
    if (!std::is_sorted(first, last, earlier)) std::stable_sort(first, last, earlier);
  }
  return order;
}

void TableSink::check_twice(std::span<const size_t> order, int64_t step_ms) const {
  for (size_t i = 1; i < order.size(); ++i) {
    if (steps_[order[i]] == steps_[order[i - 1]] && nodes_[order[i]] == nodes_[order[i - 1]])
      throw base::Error("node {} has two frames at {}; a node has one frame a step", names_[nodes_[order[i]]],
                        base::format_time(steps_[order[i]] * step_ms));
  }
}

// Reads rows all over memory and writes them one after the other: the table is not cleared first.
void TableSink::fill(FrameTable& table, std::span<const size_t> order) const {
  constexpr size_t kAhead = 8;
  std::array<uint8_t, kFeatureCount> present{};
  table.steps.reserve(order.size());
  table.values.reserve(order.size() * kFeatureCount);
  for (size_t i = 0; i < order.size(); ++i) {
    const float* const soon = row(order[std::min(i + kAhead, order.size() - 1)]);
    for (size_t f = 0; f < kFeatureCount; f += 64 / sizeof(float)) __builtin_prefetch(soon + f);
    const float* const from = row(order[i]);
    table.steps.push_back(steps_[order[i]]);
    table.values.insert(table.values.end(), from, from + kFeatureCount);
    for (size_t f = 0; f < kFeatureCount; ++f) present[f] |= static_cast<uint8_t>(from[f] == from[f]);
  }
  table.missing.assign(kFeatureCount, true);
  for (size_t f = 0; f < kFeatureCount; ++f) table.missing[f] = present[f] == 0;
}

FrameTable TableSink::finish(int64_t step_ms, std::string timezone, NodeChoice choice) {
  FrameTable table;
  table.step_ms = step_ms;
  table.timezone = std::move(timezone);
  table.choice = std::move(choice);
  table.first_step = first_step_;
  table.end_step = end_step_;
  std::vector<uint32_t> by_name(names_.size());
  std::iota(by_name.begin(), by_name.end(), 0u);
  std::sort(by_name.begin(), by_name.end(), [&](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
  std::vector<uint32_t> rank(names_.size());
  for (uint32_t r = 0; r < by_name.size(); ++r) rank[by_name[r]] = r;
  table.offsets.assign(names_.size() + 1, 0);
  for (const uint32_t node : nodes_) ++table.offsets[rank[node] + 1];
  std::partial_sum(table.offsets.begin(), table.offsets.end(), table.offsets.begin());
  const auto order = rows_in_order(rank, table.offsets);
  check_twice(order, step_ms);
  fill(table, order);
  for (const uint32_t n : by_name) table.nodes.push_back(std::move(names_[n]));
  discard();
  return table;
}

}  // namespace netflowgen::series
