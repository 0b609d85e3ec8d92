#include "series/table_sink.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "base/nan.h"
#include "series/accumulate/arena.h"
#include "series/store_file/node_names.h"

namespace netflowgen::series {
TableSink::TableSink(const FeatureChoice& choice) : names_(std::make_unique<NodeNames>()) {
  for (size_t f = 0; f < kFeatureCount; ++f) {
    if (choice.has(f)) columns_.push_back(static_cast<uint8_t>(f));
  }
}

TableSink::~TableSink() = default;

void TableSink::frame(const NodeKey& node, int64_t step, std::span<const float> frame) {
  add_row(names_->number(node), step, frame);
}

void TableSink::add(std::string_view node, int64_t step, std::span<const float> frame) {
  add_row(names_->number(node), step, frame);
}

void TableSink::add_row(uint32_t node, int64_t step, std::span<const float> frame) {
  NFG_CHECK(frame.size() == kFeatureCount);
  const size_t at = steps_.size();
  const size_t width = columns_.size();
  if (at / kChunkRows == chunks_.size())
    chunks_.push_back(std::make_unique_for_overwrite<float[]>(kChunkRows * width));
  float* const to = row(at);
  if (width == kFeatureCount) {
    std::copy(frame.begin(), frame.end(), to);
  } else {
    for (size_t c = 0; c < width; ++c) to[c] = frame[columns_[c]];
  }
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

void TableSink::discard() {
  names_->clear();
  nodes_.clear();
  steps_.clear();
  chunks_.clear();
  first_step_ = end_step_ = 0;
}

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

// REQUIRES: the table is complete.
void TableSink::check_twice(const FrameTable& table) const {
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (uint64_t r = table.offsets[n] + 1; r < table.offsets[n + 1]; ++r) {
      if (table.steps[r] == table.steps[r - 1])
        throw base::Error("node {} has two frames at {}; a node has one frame a step", table.nodes[n],
                          base::format_time(table.steps[r] * table.step_ms));
    }
  }
}

// Reads rows all over memory and writes them one after the other: the table is not cleared first.
void TableSink::fill(ColumnTable& table, std::span<const size_t> order) const {
  constexpr size_t kAhead = 8;
  const size_t width = columns_.size();
  std::array<uint8_t, kFeatureCount> present{};
  table.frames.steps.reserve(order.size());
  table.values.reserve(order.size() * width);
  for (size_t i = 0; i < order.size(); ++i) {
    const float* const soon = row(order[std::min(i + kAhead, order.size() - 1)]);
    for (size_t c = 0; c < width; c += kLine / sizeof(float)) __builtin_prefetch(soon + c);
    const float* const from = row(order[i]);
    for (size_t c = 0; c < width; ++c) present[c] |= static_cast<uint8_t>(from[c] == from[c]);
    table.frames.steps.push_back(steps_[order[i]]);
    table.values.insert(table.values.end(), from, from + width);
  }
  table.columns = columns_;
  table.frames.missing.assign(kFeatureCount, true);
  for (size_t c = 0; c < width; ++c) table.frames.missing[columns_[c]] = present[c] == 0;
}

FrameTable all_features(ColumnTable table) {
  const size_t width = table.columns.size();
  FrameTable& frames = table.frames;
  if (width == kFeatureCount) {
    frames.values = std::move(table.values);
    return std::move(frames);
  }
  std::array<float, kFeatureCount> frame;
  frame.fill(base::kNaN);
  frames.values.reserve(frames.rows() * kFeatureCount);
  for (size_t r = 0; r < frames.rows(); ++r) {
    for (size_t c = 0; c < width; ++c) frame[table.columns[c]] = table.values[r * width + c];
    frames.values.insert(frames.values.end(), frame.begin(), frame.end());
  }
  return std::move(frames);
}

FrameTable TableSink::finish(int64_t step_ms, std::string timezone, NodeChoice choice) {
  return all_features(finish_columns(step_ms, std::move(timezone), std::move(choice)));
}

ColumnTable TableSink::finish_columns(int64_t step_ms, std::string timezone, NodeChoice choice) {
  ColumnTable found;
  FrameTable& table = found.frames;
  table.step_ms = step_ms;
  table.timezone = std::move(timezone);
  table.choice = std::move(choice);
  table.first_step = first_step_;
  table.end_step = end_step_;
  const auto by_name = names_->by_name();
  std::vector<uint32_t> rank(by_name.size());
  for (uint32_t r = 0; r < by_name.size(); ++r) rank[by_name[r]] = r;
  table.offsets.assign(by_name.size() + 1, 0);
  for (const uint32_t node : nodes_) ++table.offsets[rank[node] + 1];
  std::partial_sum(table.offsets.begin(), table.offsets.end(), table.offsets.begin());
  fill(found, rows_in_order(rank, table.offsets));
  table.nodes.resize(by_name.size());
  std::vector<std::string> names = names_->take_names();
  for (uint32_t number = 0; number < names.size(); ++number)
    table.nodes[rank[number]] = std::move(names[number]);
  check_twice(table);
  discard();
  return found;
}

}  // namespace netflowgen::series
