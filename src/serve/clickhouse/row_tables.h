// The tables of ClickHouse that this program writes: their columns, and the statements that make them. Types, engines and statements are
// those that every version since 18.16 has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace netflowgen::serve {

enum class RowTable : uint8_t { kFrames, kScores, kAlerts, kCount };
inline constexpr int kRowTables = static_cast<int>(RowTable::kCount);
std::string_view name_of(RowTable table);  // "frames", "scores", "alerts"

struct RowColumn {
  std::string name;
  std::string type;
};
// In the order in which rows are encoded.
std::vector<RowColumn> columns_of(RowTable table);

// "database"."table", quoted.
std::string table_name(std::string_view database, RowTable table);
std::string create_statement(std::string_view database, RowTable table);
std::string insert_statement(std::string_view database, RowTable table);
// The name of the partition of a time, in UTC: "20260131", of alerts "202601". Names ascend with time.
std::string partition_of(RowTable table, base::TimeMs time);

}  // namespace netflowgen::serve
