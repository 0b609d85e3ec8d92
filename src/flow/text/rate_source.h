// Rows that are already rates or counts per node, through a column map of kind "rates". Made by open_rates
// (open.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/source.h"
#include "flow/text/column_map.h"
#include "flow/text/text_rows.h"

namespace netflowgen::flow {

class CsvRateSource : public RateSource {
 public:
  CsvRateSource(std::unique_ptr<Inputs> inputs, ColumnMap map, bool strict, int utc_offset_minutes);

  bool read(RateRow& row) override;
  const std::vector<std::string>& columns() const override { return names_; }
  int64_t interval_ms() const override { return map_.interval_ms; }
  bool absent_is_idle() const override { return map_.absent_is_idle; }
  std::vector<base::LedgerView> ledgers() const override { return rows_.ledgers(); }
  std::vector<FirstBadLine> bad_lines() const override { return rows_.bad_lines(); }
  uint64_t bytes_done() const override { return rows_.bytes_done(); }
  uint64_t bytes_total() const override { return rows_.bytes_total(); }

 private:
  bool open_next();
  bool is_row(std::string_view line);
  BadRow parse(std::string_view line, RateRow& row);
  BadRow parse_node(std::string_view line, RateRow& row);
  std::string_view cell(std::string_view line, size_t column) const;

  TextRows rows_;
  ColumnMap map_;
  int64_t utc_offset_ms_;
  TimeFormat time_format_;
  std::vector<std::string> names_;
  std::vector<size_t> node_columns_;     // SIZE_MAX: a constant, or of the file
  std::vector<std::string> node_parts_;  // where node_columns_ is SIZE_MAX
  std::vector<RowFilter> filters_;
  std::vector<size_t> rate_columns_;
  size_t time_column_ = 0;
  size_t wanted_ = 0;
  size_t columns_ = 0;
  std::string header_;
  std::vector<uint32_t> ends_;
  size_t skip_ = 0;
  bool header_ahead_ = false;
  bool done_ = false;
};

}  // namespace netflowgen::flow
