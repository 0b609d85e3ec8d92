// Flows from text files of one dialect, or through a column map. Made by open_flows (open.h).
#pragma once

#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/settle.h"
#include "flow/source.h"
#include "flow/text/column_map.h"
#include "flow/text/connections.h"
#include "flow/text/dialect.h"
#include "flow/text/text_rows.h"

namespace netflowgen::flow {

struct TextOptions {
  const Dialect* dialect = nullptr;  // nullptr: told from the first file, unless there is a map
  std::optional<ColumnMap> map;
  bool strict = false;
  PlanOptions plan;
};

class CsvSource : public FlowSource {
 public:
  // Opens the first file, so that a wrong dialect is refused here.
  CsvSource(std::unique_ptr<Inputs> inputs, TextOptions options);

  size_t read(std::span<Flow> out) override;
  std::vector<base::LedgerView> ledgers() const override { return rows_.ledgers(); }
  std::vector<FirstBadLine> bad_lines() const override { return rows_.bad_lines(); }
  std::vector<std::pair<std::string_view, uint64_t>> notes() const override { return notes_of(settled_); }
  // A fragment's ports and flags are known wherever it is known for one (flow/settle.h).
  uint32_t known() const override {
    return known_ | ((known_ & kKnownFragment) != 0 ? uint32_t{kKnownPorts | kKnownTcpFlags} : 0u);
  }
  uint64_t bytes_done() const override { return rows_.bytes_done(); }
  uint64_t bytes_total() const override { return rows_.bytes_total(); }

 private:
  void fill(std::span<Flow> out, size_t& n);
  bool open_next();
  void use(Layout layout);
  bool is_row(std::string_view line);
  size_t read_row(std::string_view line, std::span<Flow> out);
  size_t store(const Flows& flows, Flow* slots, std::span<Flow> out);
  Flows parse(std::string_view line, Flow* slots);
  bool joined_header_or_summary(std::string_view line);

  TextRows rows_;
  TextOptions options_;
  Layout layout_;
  std::vector<uint32_t> ends_;
  size_t skip_ = 0;  // lines that are no rows
  bool header_ahead_ = false;
  bool first_row_ = true;  // of this file
  bool done_ = false;
  uint32_t known_ = 0;
  SettleCounts settled_;
  Connections connections_;
  std::exception_ptr error_;
  std::array<Flow, 2> spare_;    // a row's flows where the caller's batch has room for one
  std::optional<Flow> pending_;  // the reply of a row whose flow filled the caller's batch
};

}  // namespace netflowgen::flow
