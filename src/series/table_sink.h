// Frames to a table in memory: what StoreWriter and load_frames do through a folder.
//
// Invariant: the table is the one that load_frames reads from a store of the same frames, to the bit. One thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "series/builder.h"
#include "series/feature_choice.h"
#include "series/frame_table.h"

namespace netflowgen::series {

class NodeNames;

// A table with the values of some features alone; the others are missing.
struct ColumnTable {
  FrameTable frames;               // without values
  std::vector<uint8_t> columns;    // the features, ascending
  std::vector<float> values = {};  // [rows, columns]
};
// With all features: NaN where there is no column. Of all columns it copies nothing.
FrameTable all_features(ColumnTable table);

class TableSink : public FrameSink {
 public:
  // Keeps the chosen features; the others are missing in the table.
  explicit TableSink(const FeatureChoice& choice = {});
  ~TableSink() override;
  void frame(const NodeKey& node, int64_t step, std::span<const float> frame) override;
  // REQUIRES: frame has kFeatureCount values.
  void add(std::string_view node, int64_t step, std::span<const float> frame);
  // The table covers [first_step, end_step) although its edges may be idle.
  void cover(int64_t first_step, int64_t end_step);
  // Forgets all frames.
  void discard();

  size_t rows() const { return steps_.size(); }
  // The frames by node and time; the sink is empty afterwards. Error: a node has two frames of one step.
  FrameTable finish(int64_t step_ms, std::string timezone, NodeChoice choice);
  // The same with the chosen features alone.
  ColumnTable finish_columns(int64_t step_ms, std::string timezone, NodeChoice choice);

 private:
  void add_row(uint32_t node, int64_t step, std::span<const float> frame);
  float* row(size_t i) const { return chunks_[i / kChunkRows].get() + i % kChunkRows * columns_.size(); }
  std::vector<size_t> rows_in_order(std::span<const uint32_t> rank, std::span<const uint64_t> offsets) const;
  void check_twice(const FrameTable& table) const;
  void fill(ColumnTable& table, std::span<const size_t> order) const;

  static constexpr size_t kChunkRows = 4096;  // rows do not move while there come more

  std::vector<uint8_t> columns_;  // the chosen features, ascending
  std::unique_ptr<NodeNames> names_;
  std::vector<uint32_t> nodes_;                   // [rows], numbers of names_
  std::vector<int64_t> steps_;                    // [rows]
  std::vector<std::unique_ptr<float[]>> chunks_;  // of [kChunkRows, columns_]
  int64_t first_step_ = 0;                        // first == end: nothing is covered
  int64_t end_step_ = 0;
};

}  // namespace netflowgen::series
