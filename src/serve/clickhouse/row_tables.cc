#include "serve/clickhouse/row_tables.h"

#include <fmt/format.h>

#include "flow/clickhouse/clickhouse_url.h"
#include "series/features.h"

namespace netflowgen::serve {
namespace {

constexpr const char* kTime = "DateTime('UTC')";

std::vector<RowColumn> frame_columns() {
  std::vector<RowColumn> columns = {{"time", kTime},
                                    {"step_s", "UInt32"},
                                    {"node", "String"},
                                    {"source", "String"},
                                    {"written_ms", "UInt64"}};
  for (const auto& f : series::kFeatures) {
    const bool code = f.kind == series::Kind::kCategory;
    columns.push_back({std::string(f.name), code ? "Nullable(Int32)" : "Nullable(Float32)"});
  }
  return columns;
}

std::vector<RowColumn> score_columns() {
  return {{"time", kTime},        {"step_s", "UInt32"},
          {"node", "String"},     {"task", "String"},
          {"source", "String"},   {"written_ms", "UInt64"},
          {"score", "Float32"},   {"surprise_bits", "Nullable(Float32)"},
          {"positions", "UInt32"}};
}

std::vector<RowColumn> alert_columns() {
  return {{"time", kTime},
          {"event_ms", "Int64"},
          {"id", "String"},
          {"record", "String"},
          {"event", "String"},
          {"node", "String"},
          {"task", "String"},
          {"type", "String"},
          {"severity", "String"},
          {"suppressed", "String"},
          {"started", kTime},
          {"raised", kTime},
          {"ended", fmt::format("Nullable({})", kTime)},
          {"times_expected", "Nullable(Float64)"},
          {"peak", "Nullable(Float64)"},
          {"threshold", "Nullable(Float64)"},
          {"hosts", "UInt64"},
          {"incident", "String"},
          {"json", "String"},
          {"source", "String"},
          {"written_ms", "UInt64"}};
}

}  // namespace

std::string_view name_of(RowTable table) {
  constexpr std::string_view kNames[] = {"frames", "scores", "alerts"};
  return kNames[static_cast<size_t>(table)];
}

std::vector<RowColumn> columns_of(RowTable table) {
  if (table == RowTable::kFrames) return frame_columns();
  return table == RowTable::kScores ? score_columns() : alert_columns();
}

std::string table_name(std::string_view database, RowTable table) {
  return flow::sql_name(database) + "." + flow::sql_name(name_of(table));
}

std::string create_statement(std::string_view database, RowTable table) {
  constexpr const char* kKeys[] = {"source, node, step_s, time", "source, node, task, step_s, time",
                                   "source, id, record, event, event_ms"};
  std::string columns;
  for (const auto& c : columns_of(table)) {
    if (!columns.empty()) columns += ", ";
    columns += c.name + " " + c.type;
  }
  return fmt::format(
      "CREATE TABLE IF NOT EXISTS {} ({}) ENGINE = ReplacingMergeTree(written_ms) PARTITION BY {}(time) "
      "ORDER BY "
      "({})",
      table_name(database, table), columns, table == RowTable::kAlerts ? "toYYYYMM" : "toYYYYMMDD",
      kKeys[static_cast<size_t>(table)]);
}

std::string insert_statement(std::string_view database, RowTable table) {
  std::string columns;
  for (const auto& c : columns_of(table)) columns += (columns.empty() ? "" : ", ") + c.name;
  return fmt::format("INSERT INTO {} ({}) FORMAT RowBinary", table_name(database, table), columns);
}

std::string partition_of(RowTable table, base::TimeMs time) {
  const std::string text = base::format_time(time);  // 2026-01-31T...
  const std::string month = text.substr(0, 4) + text.substr(5, 2);
  return table == RowTable::kAlerts ? month : month + text.substr(8, 2);
}

}  // namespace netflowgen::serve
