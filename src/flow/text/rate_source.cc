#include "flow/text/rate_source.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "flow/text/split.h"
#include "flow/text/text_parse.h"

namespace netflowgen::flow {
namespace {

constexpr size_t kConstant = SIZE_MAX;

}  // namespace

CsvRateSource::CsvRateSource(std::unique_ptr<Inputs> inputs, ColumnMap map, bool strict,
                             int utc_offset_minutes)
    : rows_(std::move(inputs), strict, map.files),
      map_(std::move(map)),
      utc_offset_ms_(int64_t{map_.utc_offset_minutes.value_or(utc_offset_minutes)} * 60000),
      time_format_(map_.time.time_format != nullptr ? *map_.time.time_format : TimeFormat()) {
  for (const auto& [name, column] : map_.rates_of) names_.push_back(name);
  if (!open_next()) rows_.finish();
}

bool CsvRateSource::open_next() {
  if (!rows_.next_file()) {
    done_ = true;
    return false;
  }
  header_ = header_of_map(map_, rows_.lines().head());
  const auto header = header_names(header_, map_.separator, map_.quote);
  const auto place = [&](const MapColumn& column) {
    const size_t at =
        column.constant || column.file ? kConstant : place_of(map_, column, header, rows_.file());
    if (at != kConstant) wanted_ = std::max(wanted_, at + 1);
    return at;
  };
  wanted_ = 0;
  node_columns_.clear();
  rate_columns_.clear();
  node_parts_.clear();
  for (const auto& column : map_.node) {
    node_columns_.push_back(place(column));
    node_parts_.push_back(column.file ? name_of_file(*column.file, rows_.file())
                                      : column.constant.value_or(""));
  }
  filters_ = filters_of_map(map_, header, rows_.file());
  for (const RowFilter& filter : filters_) wanted_ = std::max(wanted_, filter.column + size_t{1});
  for (const auto& [name, column] : map_.rates_of) rate_columns_.push_back(place(column));
  time_column_ = place(map_.time);
  columns_ = map_.columns != 0 ? map_.columns : header_.empty() ? 0 : header.size();
  ends_.resize(wanted_);
  skip_ = map_.skip_lines;
  header_ahead_ = map_.header;
  return true;
}

bool CsvRateSource::is_row(std::string_view line) {
  if (skip_ > 0) {
    --skip_;
    return false;
  }
  if (line.empty() || (map_.comment != '\0' && line.front() == map_.comment)) return false;
  if (header_ahead_) {
    header_ahead_ = false;
    return false;
  }
  return true;
}

std::string_view CsvRateSource::cell(std::string_view line, size_t column) const {
  const std::string_view text = cell_at(line, ends_.data(), column, map_.quote);
  return text == map_.missing ? std::string_view() : text;
}

BadRow CsvRateSource::parse_node(std::string_view line, RateRow& row) {
  row.node.clear();
  for (size_t i = 0; i < node_columns_.size(); ++i) {
    const std::string_view part =
        node_columns_[i] == kConstant ? std::string_view(node_parts_[i]) : cell(line, node_columns_[i]);
    if (part.empty()) return BadRow::kMissing;
    if (i > 0) row.node += map_.join;
    row.node += part;
  }
  return BadRow::kNone;
}

BadRow CsvRateSource::parse(std::string_view line, RateRow& row) {
  const size_t count = split_cells(line, map_.separator, map_.quote, wanted_, ends_.data());
  if (count == kUnclosedQuote) return BadRow::kQuote;
  if (count < wanted_ || (columns_ != 0 && count != columns_)) return BadRow::kColumns;
  for (const RowFilter& filter : filters_) {
    if (!keeps(filter, cell_at(line, ends_.data(), filter.column, map_.quote))) return BadRow::kNoFlow;
  }
  if (const BadRow bad = parse_node(line, row); bad != BadRow::kNone) return bad;
  bool zoned = false;
  if (!time_format_.parse(cell(line, time_column_), row.time_ms, zoned)) return BadRow::kTime;
  if (!zoned) row.time_ms -= utc_offset_ms_;
  row.values.resize(rate_columns_.size());
  for (size_t i = 0; i < rate_columns_.size(); ++i) {
    const std::string_view text = cell(line, rate_columns_[i]);
    double value = std::numeric_limits<double>::quiet_NaN();
    if (!text.empty() && !parse_double(text, value)) return BadRow::kNumber;
    if (value < 0) {
      if (!map_.rates_of[i].second.optional) return BadRow::kNumber;
      value = std::numeric_limits<double>::quiet_NaN();
    }
    row.values[i] = static_cast<float>(value * map_.rates_of[i].second.scale);
  }
  return BadRow::kNone;
}

bool CsvRateSource::read(RateRow& row) {
  std::string_view line;
  while (!done_) {
    if (!rows_.lines().next(line)) {
      if (!open_next()) rows_.finish();
      continue;
    }
    if (!is_row(line)) continue;
    const BadRow bad = rows_.lines().cut() ? BadRow::kTooLong : parse(line, row);
    if (bad != BadRow::kNone && line == header_) continue;  // joined files
    rows_.enter();
    if (bad == BadRow::kNone) {
      rows_.emit();
      return true;
    }
    rows_.drop(bad, line);
  }
  return false;
}

}  // namespace netflowgen::flow
