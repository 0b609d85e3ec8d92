// Rows that are already per node and time -> frames: they map straight to features, all others are missing.
//
// Rows come in any order: they are sorted by node and time (row_sorter.h) and become frames at the end. Several rows
// of one step become their mean; a volume is scaled from the row's interval to the step. A step between two rows of a
// node that has none itself was not measured: up to max_gap it is a frame whose features are all missing; after a
// longer gap the node is taken to have been away (idle). Where the source says that an absent row means that nothing
// happened, no such frames are made: the steps are idle.
// One thread. Memory: buffer_bytes, the nodes' names, and what RowSorter needs at the end.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ledger.h"
#include "flow/source.h"
#include "series/features.h"
#include "series/row_sorter.h"

namespace netflowgen::series {

enum class RateDrop : uint8_t {
  kLate,     // before the end of what the store holds
  kBadTime,  // before min_time or after max_time
  kCount
};
std::string_view name_of(RateDrop reason);

struct RateOptions {
  int64_t step_ms = 60'000;
  int64_t interval_ms = 0;  // the time that a row covers; 0: a step
  int64_t max_gap_ms = 86'400'000;
  base::TimeMs min_time_ms = 631'152'000'000;      // 1990-01-01
  base::TimeMs max_time_ms = 253'402'300'799'000;  // 9999-12-31
  int64_t closed_before = INT64_MIN;
  bool absent_is_idle = false;  // a step without a row: nothing happened
  size_t buffer_bytes = size_t{64} << 20;
  std::string spill_folder = {};  // for the rows beyond buffer_bytes; empty: the system's temporary folder
};

class RateBuilder {
 public:
  using Emit = std::function<void(const std::string& node, int64_t step, std::span<const float> frame)>;

  // Error: a column that is no feature, one that is named twice, a step shorter than the rows' interval.
  RateBuilder(const RateOptions& options, const std::vector<std::string>& columns, Emit emit);

  // REQUIRES: as many values as columns. Error: rows do not fit in memory and cannot be written to a file.
  void add(const flow::RateRow& row);
  // Makes the frames: by node in the order in which nodes first came, then by step.
  void finish();

  base::LedgerView row_ledger() const;
  uint64_t frames() const { return frames_; }
  uint64_t unmeasured() const { return unmeasured_; }  // of frames(): those that fill a gap

 private:
  // The step whose rows are being averaged.
  struct Open {
    uint32_t node = 0;
    int64_t step = INT64_MIN;      // none yet
    std::vector<double> sums;      // [columns]
    std::vector<uint32_t> counts;  // [columns]
  };
  // Times of the rows that were refused for a reason.
  struct Refused {
    uint64_t rows = 0;
    base::TimeMs first_ms = 0;
    base::TimeMs low_ms = 0;
    base::TimeMs high_ms = 0;
  };
  void refuse(RateDrop reason, base::TimeMs time);
  void merge(uint32_t node, int64_t step, std::span<const float> values);
  void close();
  void fill_gap(uint32_t node, int64_t from, int64_t to);

  RateOptions options_;
  std::vector<int> features_;  // [columns]
  std::vector<double> scale_;  // [columns]
  Emit emit_;
  std::unordered_map<std::string, uint32_t> index_;
  std::vector<std::string> names_;
  RowSorter sorter_;
  Open open_;
  base::Ledger<RateDrop> rows_;
  std::array<Refused, static_cast<size_t>(RateDrop::kCount)> refused_{};
  uint64_t frames_ = 0;
  uint64_t unmeasured_ = 0;
};

}  // namespace netflowgen::series
