// History on the disk: one SQLite file with every step, then 15-minute and daily buckets made of them (docs/serve.md has the
// schema). Written by one thread, read by any through connections of their own.
//
// Invariants: 1. Writing a step again replaces it. 2. A bucket is made once, when a later one has begun. 3. The file is bounded:
// by age for each resolution, and in all by size; the oldest of the finest resolution goes first.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "serve/db/sqlite.h"
#include "serve/history/step_block.h"

namespace netflowgen::serve {

enum class Resolution : uint8_t { kStep, kQuarter, kDay };
inline constexpr size_t kResolutions = 3;

struct HistoryOptions {
  size_t nodes = 1000;  // of a step, that are kept with a frame each: most bytes, and most surprise
  std::array<int64_t, kResolutions> keep_ms = {base::kDayMs, 30 * base::kDayMs, 730 * base::kDayMs};
  int64_t most_bytes = int64_t{4} << 30;
};

struct TotalsRow {
  base::TimeMs time_ms = 0;
  Totals totals = {};
  VolumeFans forecast = no_fans();
};

struct NodeHistoryRow {
  base::TimeMs time_ms = 0;
  std::vector<float> frame;  // [kFeatureCount]
  VolumeFans forecast = no_fans();
  float bits = base::kNaN;
};

struct TopRow {
  base::TimeMs time_ms = 0;
  std::string name;  // "": the total
  Amount amount;
};

int64_t length_ms(Resolution r, int64_t step_ms);

// The writer. Error: the file cannot be written, or is of another program.
class HistoryDb {
 public:
  HistoryDb(const base::fs::path& path, int64_t step_ms, const HistoryOptions& options);

  void add(const StepBlock& block);
  // Makes the buckets that ended before `time_ms`, and drops what is too old or too much.
  void maintain(base::TimeMs time_ms);
  void set_options(const HistoryOptions& options) { options_ = options; }
  int64_t bytes();

 private:
  void add_totals(const StepBlock& block);
  void add_nodes(const StepBlock& block);
  void add_top(const StepBlock& block);
  void roll(Resolution from, Resolution to, base::TimeMs time_ms);
  void roll_bucket(Resolution from, Resolution to, base::TimeMs begin, base::TimeMs end);
  void roll_nodes(Resolution from, Resolution to, base::TimeMs begin, base::TimeMs end, int64_t steps);
  void forget(base::TimeMs time_ms);
  int64_t node_id(const std::string& name);

  int64_t step_ms_;
  HistoryOptions options_;
  Sqlite db_;
};

// Readers: a connection each, used again.
class HistoryReader {
 public:
  HistoryReader(base::fs::path path, int64_t step_ms) : path_(std::move(path)), step_ms_(step_ms) {}

  // Rows with a time in [from_ms, to_ms), ascending.
  std::vector<TotalsRow> totals(Resolution r, base::TimeMs from_ms, base::TimeMs to_ms) const;
  std::vector<NodeHistoryRow> node(Resolution r, const std::string& name, base::TimeMs from_ms,
                                   base::TimeMs to_ms) const;
  std::vector<TopRow> top(Resolution r, Dimension by, base::TimeMs from_ms, base::TimeMs to_ms) const;
  // Start of the oldest row; INT64_MAX: none.
  base::TimeMs oldest_ms(Resolution r) const;
  bool knows(const std::string& node) const;
  int64_t step_ms() const { return step_ms_; }

 private:
  class Use;
  base::fs::path path_;
  int64_t step_ms_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Sqlite>> idle_;
};

}  // namespace netflowgen::serve
