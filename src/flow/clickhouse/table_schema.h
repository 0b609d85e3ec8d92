// Which columns of a table are what of a flow: a YAML file, each field an expression of SQL. docs/clickhouse.md documents it.
//
// Invariants: 1. A field that the file lacks, or whose columns the table lacks, is not known: no flow has its group. 2. What
// flows_sql() selects has the same columns and types whatever the schema.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace netflowgen::flow {

enum class TableField : uint8_t {
  kTime,          // Int64: start of the flow in milliseconds
  kEnd,           // Int64: its end
  kHasAddresses,  // UInt8: 0 for what is no IP traffic
  kSrc,           // FixedString(16); IPv4 as ::ffff:a.b.c.d
  kDst,
  kExporter,
  kBytes,  // UInt64, as exported
  kPackets,
  kSampling,  // UInt32, at least 1
  kProtocol,  // UInt8
  kSrcPort,   // UInt16
  kDstPort,
  kTcpFlags,  // UInt8
  kFragment,  // UInt8: 1: fragments
  kInIf,      // UInt32
  kOutIf,
  kSrcAs,
  kDstAs,
  kCount
};
inline constexpr size_t kTableFields = static_cast<size_t>(TableField::kCount);

struct TableFieldInfo {
  std::string_view name;    // in the file
  std::string_view column;  // of flows_sql()
  std::string_view type;    // there
};
const TableFieldInfo& info_of(TableField field);

struct TableSchema {
  struct Expression {
    std::string sql;                 // "": the schema has none
    std::vector<std::string> needs;  // columns
  };
  std::string name;
  std::string table;
  std::vector<std::string> recognised_by;  // columns
  std::string prune;   // condition by which the server skips parts: {from_s}, {until_s} are Unix times
  std::string filter;  // condition
  std::array<Expression, kTableFields> fields;

  const Expression& at(TableField field) const { return fields[static_cast<size_t>(field)]; }
  bool has(TableField field) const { return !at(field).sql.empty(); }
  uint32_t known() const;  // flow::Known
  // Forgets fields whose columns are not there. Error: those without which there are no flows.
  void fit(const std::vector<std::string>& columns);
};

// "akvorado", "goflow2", or a file's name. Error: there is none, or it is wrong.
TableSchema load_table_schema(const std::string& name);
TableSchema parse_table_schema(const std::string& text, const std::string& file);
// By the columns that each recognises. nullptr: none does.
const TableSchema* recognise_table(const std::vector<std::string>& columns);
std::vector<std::string> table_schema_names();

}  // namespace netflowgen::flow
