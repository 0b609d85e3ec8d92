// Flows of a table row by row, in the order of their times: exact, and the reference for what the server sums itself.
//
// Invariants: 1. The same table gives the same flows in the same order. 2. A query covers a slice of time with at most slice_flows
// flows, unless one second has more. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "flow/clickhouse/clickhouse_table.h"
#include "flow/input_options.h"
#include "flow/settle.h"
#include "flow/source.h"

namespace netflowgen::flow {

enum class TableDrop : uint8_t { kBadTime, kCount };
constexpr std::string_view name_of(TableDrop) { return "bad_time"; }

class ClickHouseSource : public FlowSource {
 public:
  explicit ClickHouseSource(std::unique_ptr<ClickHouseTable> table);

  size_t read(std::span<Flow> out) override;
  std::vector<base::LedgerView> ledgers() const override;
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return notes_of(settled_); }
  uint32_t known() const override { return table_->known(); }
  uint64_t bytes_done() const override { return done_flows_ * kRowBytes; }
  uint64_t bytes_total() const override { return total_flows_ * kRowBytes; }

 private:
  struct Slice {
    base::TimeMs from;
    base::TimeMs until;
  };
  static constexpr uint64_t kRowBytes = 108;        // of a row of an answer
  static constexpr uint64_t kSliceFlows = 500'000;  // so that an answer stays below 50 MiB

  bool load();
  void decode(Flow& f);

  std::unique_ptr<ClickHouseTable> table_;
  std::vector<Slice> slices_;
  size_t next_ = 0;
  std::string answer_;
  size_t at_ = 0;  // in answer_
  base::Ledger<TableDrop> rows_;
  SettleCounts settled_;
  uint64_t done_flows_ = 0;
  uint64_t total_flows_ = 0;
};

std::unique_ptr<FlowSource> open_clickhouse(const InputOptions& options);
// The URL with the end that the table has now.
std::string pinned_clickhouse(const std::string& text);

}  // namespace netflowgen::flow
