#include "flow/clickhouse/clickhouse_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/words.h"
#include "flow/record.h"
#include "flow/settle.h"

namespace netflowgen::flow {
namespace {

constexpr base::TimeMs kEndOfTime = 4'102'444'800'000;  // 2100-01-01, which DateTime has

// The first cell of each line.
std::vector<std::string> first_cells(const std::string& text) {
  std::vector<std::string> cells;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    cells.push_back(text.substr(begin, std::min(text.find('\t', begin), end) - begin));
    begin = end + 1;
  }
  return cells;
}

TableSchema choose_schema(ClickHouseClient& client) {
  const auto& url = client.url();
  TableSchema schema;
  if (!url.schema.empty()) schema = load_table_schema(url.schema);
  if (!url.table.empty()) schema.table = url.table;
  if (url.schema.empty() && url.table.empty()) {
    throw base::UsageError("{}: name a table or a schema: ?table=NAME or ?schema={}", url.name(),
                           fmt::join(table_schema_names(), "|"));
  }
  const auto columns =
      first_cells(client.query("DESCRIBE TABLE " + sql_name(schema.table) + " FORMAT TabSeparated"));
  if (url.schema.empty()) {
    const TableSchema* found = recognise_table(columns);
    if (found == nullptr) {
      throw base::Error(
          "{}: its columns are those of no known schema ({}); describe them in a file, schema=FILE "
          "(docs/clickhouse.md)",
          url.name(), fmt::join(table_schema_names(), ", "));
    }
    schema = *found;
    schema.table = url.table;
  }
  schema.fit(columns);
  return schema;
}

void replace(std::string& text, std::string_view what, int64_t value) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), std::to_string(value));
}

std::string cast(std::string_view type, const std::string& sql) {
  if (type.starts_with("FixedString")) return "toFixedString(" + sql + ", 16)";
  return "to" + std::string(type) + "(" + sql + ")";
}

// A field as flows_sql() has it. What is not known is 0 (a rate of 1), as in a Flow.
std::string column_sql(const TableSchema& schema, TableField field) {
  const auto& info = info_of(field);
  const bool has = schema.has(field);
  std::string sql = schema.at(field).sql;
  if (!has && (sql.empty() || info.type.starts_with("FixedString")))
    sql = info.type.starts_with("FixedString") ? "''" : "0";
  if (field == TableField::kEnd && !has) return "nfg_t AS nfg_e";
  if (field == TableField::kHasAddresses && !has)
    sql = schema.has(TableField::kSrc) && schema.has(TableField::kDst) ? "1" : "0";
  if (field == TableField::kSampling)
    sql = has ? fmt::format("greatest(least(toUInt64({}), 4294967295), 1)", sql) : "1";
  if (field == TableField::kFragment && has) sql = "(" + sql + ") != 0";
  return fmt::format("{} AS {}", cast(info.type, sql), info.column);
}

}  // namespace

ClickHouseTable::ClickHouseTable(const std::string& url)
    : client_(parse_clickhouse_url(url)), schema_(choose_schema(client_)) {
  check_types();
}

base::TimeMs ClickHouseTable::until() const { return url().until_ms.value_or(kEndOfTime); }

std::string ClickHouseTable::flows_sql(base::TimeMs from, base::TimeMs until) const {
  std::string columns;
  for (size_t i = 0; i < kTableFields; ++i)
    columns += (i == 0 ? "" : ", ") + column_sql(schema_, static_cast<TableField>(i));
  std::string where = fmt::format("nfg_t >= {} AND nfg_t < {}", from, until);
  std::string prune = schema_.prune;
  replace(prune, "{from_s}", from / 1000);
  replace(prune, "{until_s}", (std::min(until, kEndOfTime) + 999) / 1000);
  for (const auto& condition : {prune, schema_.filter, url().where}) {
    if (!condition.empty()) where += " AND (" + condition + ")";
  }
  return fmt::format("(SELECT {} FROM {} WHERE {})", columns, sql_name(schema_.table), where);
}

// A column that may be NULL would shift the bytes of all that follow.
void ClickHouseTable::check_types() {
  std::string names;
  for (size_t i = 0; i < kTableFields; ++i)
    names += fmt::format("{}toTypeName({})", i == 0 ? "" : ", ", info_of(static_cast<TableField>(i)).column);
  const auto answer =
      query(fmt::format("SELECT arrayJoin([{}]) FROM (SELECT * FROM {} LIMIT 1) FORMAT TabSeparated", names,
                        flows_sql(0, kEndOfTime)));
  const auto types = first_cells(answer);
  for (size_t i = 0; i < std::min(types.size(), kTableFields); ++i) {
    const auto& info = info_of(static_cast<TableField>(i));
    // A dictionary is not in RowBinary: its values are there in the inner type.
    if (types[i] == info.type || types[i] == fmt::format("LowCardinality({})", info.type)) continue;
    throw base::Error(
        "{}: the field {} is {}, and {} was expected; write the schema so that it is never NULL",
        url().name(), info.name, types[i], info.type);
  }
}

std::string impossible_sql(uint32_t known) {
  std::string sql = "(";
  if ((known & kKnownBytes) != 0)
    sql += fmt::format("nfg_b > {:.0f}", kMaxBytesPerSecond * kUnknownDurationSeconds);
  if ((known & kKnownPackets) != 0) {
    sql += fmt::format("{}nfg_p > {:.0f}", sql.size() > 1 ? " OR " : "",
                       kMaxPacketsPerSecond * kUnknownDurationSeconds);
  }
  if ((known & kKnownBytes) != 0 && (known & kKnownPackets) != 0) {
    sql += fmt::format(
        " OR (nfg_p > 0 AND ((nfg_b <= {0} AND intDiv(nfg_b, if(nfg_p = 0, 1, nfg_p)) > {1}) "
        "OR (nfg_p >= {2} AND intDiv(nfg_b, {3}) < nfg_p)))",
        UINT32_MAX, kMaxPacketBytes, kManyPackets, kMinPacketBytes);
  }
  return sql.size() > 1 ? sql + ")" : "0";
}

std::vector<ClickHouseTable::StepCount> ClickHouseTable::census(int64_t step_ms) {
  const std::string impossible =
      schema_.has(TableField::kEnd) ? "toUInt64(0)" : "countIf(" + impossible_sql(known()) + ")";
  const auto answer = query(fmt::format(
      "SELECT toInt64(intDiv(nfg_t, {})) AS s, count(), {} FROM {} GROUP BY s ORDER BY s FORMAT RowBinary",
      step_ms, impossible, flows_sql(url().from_ms, until())));
  std::vector<StepCount> counts;
  RowBinaryReader in(answer);
  while (!in.at_end()) {
    StepCount c;
    c.step = in.take<int64_t>();
    c.flows = in.take<uint64_t>();
    c.impossible = in.take<uint64_t>();
    counts.push_back(c);
  }
  return counts;
}

std::optional<base::TimeMs> ClickHouseTable::last_time() {
  const auto answer = query(
      fmt::format("SELECT max(nfg_t), count() FROM {} FORMAT RowBinary", flows_sql(url().from_ms, until())));
  RowBinaryReader in(answer);
  const auto last = in.take<int64_t>();
  if (in.take<uint64_t>() == 0) return std::nullopt;
  return last;
}

}  // namespace netflowgen::flow
