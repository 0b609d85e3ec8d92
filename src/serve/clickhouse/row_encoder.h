// Rows of row_tables.h in the format RowBinary, collected by table and day: a missing value is NULL. Pure but for what it collects.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/detector.h"
#include "serve/clickhouse/row_tables.h"
#include "serve/history/step_block.h"
#include "serve/live_detector.h"
#include "serve/row_writer.h"

namespace netflowgen::serve {

// Rows of one table and one day.
struct RowBatch {
  RowTable table = RowTable::kFrames;
  int64_t day = 0;  // since the epoch
  uint32_t rows = 0;
  std::string body;
};

class RowEncoder {
 public:
  static constexpr size_t kMostBytes = size_t{4} << 20;  // of a batch; a batch may have one row more

  RowEncoder(const RowOptions& options, int64_t step_ms);

  // Of rows from here on: which of two rows with the same key counts.
  void set_written(base::TimeMs now) { written_ = now; }

  void frame(int64_t step, std::string_view node, std::span<const float> frame);
  // Nothing where the score is missing. `surprise`: in bits, NaN where it is not known.
  void score(int64_t step, std::string_view node, std::string_view task, float score, float surprise,
             uint32_t positions);
  void scores(int64_t step, const detect::NodeScores& seen, std::span<const std::string> tasks);
  void block(const StepBlock& block);
  void alert(const AlertRecord& record);

  // What was encoded since the last call, in the order of its first rows.
  std::vector<RowBatch> take();

 private:
  RowBatch& batch(RowTable table, base::TimeMs time);
  void begin_step_row(std::string& out, int64_t step, std::string_view node) const;
  void end_key(std::string& out) const;

  std::string source_;
  bool frames_;
  bool scores_;
  int64_t step_ms_;
  base::TimeMs written_ = 0;
  std::vector<RowBatch> batches_;
  std::map<std::pair<RowTable, int64_t>, size_t> open_;  // index into batches_
};

}  // namespace netflowgen::serve
