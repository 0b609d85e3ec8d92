// Rows that are already per node and time -> frames: they map straight to features, all others are missing.
//
// Rows of a node must come in time order, but nodes may come one after another, each with its whole history (VM
// traces do). Several rows of one step become their mean; a volume is scaled from the row's interval to the
// step. A step between two rows of a node that has none itself was not measured: up to max_gap it is a frame
// whose features are all missing; after a longer gap the node is taken to have been away (idle).
// One thread. Memory: one step a node.
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

namespace netflowgen::series {

enum class RateDrop : uint8_t {
  kLate,     // before the node's current step, or before what the store holds
  kBadTime,  // before min_time or after max_time
  kCount
};
std::string_view name_of(RateDrop reason);

struct RateOptions {
  int64_t step_ms = 60'000;
  int64_t interval_ms = 0;  // how long a row stands for; 0: a step
  int64_t max_gap_ms = 86'400'000;
  base::TimeMs min_time_ms = 631'152'000'000;      // 1990-01-01
  base::TimeMs max_time_ms = 253'402'300'799'000;  // 9999-12-31
  int64_t closed_before = INT64_MIN;
};

class RateBuilder {
 public:
  using Emit = std::function<void(const std::string& node, int64_t step, std::span<const float> frame)>;

  // Error: a column that is no feature, one that is named twice, a step shorter than the rows' interval.
  RateBuilder(const RateOptions& options, const std::vector<std::string>& columns, Emit emit);

  // REQUIRES: as many values as columns.
  void add(const flow::RateRow& row);
  void finish();

  base::LedgerView row_ledger() const;
  uint64_t frames() const { return frames_; }
  uint64_t unmeasured() const { return unmeasured_; }  // of frames(): those that fill a gap

 private:
  struct Node {
    int64_t step = INT64_MIN;
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
  void close(const std::string& name, Node& node);
  void fill_gap(const std::string& name, int64_t from, int64_t to);

  RateOptions options_;
  std::vector<int> features_;  // [columns]
  std::vector<double> scale_;  // [columns]
  Emit emit_;
  std::unordered_map<std::string, Node> nodes_;
  base::Ledger<RateDrop> rows_;
  std::array<Refused, static_cast<size_t>(RateDrop::kCount)> refused_{};
  uint64_t frames_ = 0;
  uint64_t unmeasured_ = 0;
};

}  // namespace netflowgen::series
