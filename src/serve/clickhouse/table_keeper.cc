#include "serve/clickhouse/table_keeper.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "flow/clickhouse/clickhouse_url.h"

namespace netflowgen::serve {
namespace {

// Lines of TabSeparated, split at tabs.
std::vector<std::vector<std::string>> cells_of(const std::string& answer) {
  std::vector<std::vector<std::string>> lines(1, std::vector<std::string>(1));
  for (size_t i = 0; i < answer.size(); ++i) {
    const char c = answer[i];
    if (c == '\n') {
      lines.emplace_back(1);
    } else if (c == '\t') {
      lines.back().emplace_back();
    } else {
      lines.back().back() += c == '\\' && i + 1 < answer.size() ? answer[++i] : c;
    }
  }
  lines.pop_back();  // behind the last newline
  return lines;
}

std::string where(const std::string& database, RowTable table) {
  return fmt::format("database = {} AND table = {}", flow::sql_text(database),
                     flow::sql_text(name_of(table)));
}

}  // namespace

std::vector<RowColumn> TableKeeper::found_columns(RowTable table) {
  std::vector<RowColumn> found;
  const auto answer = client_.query("SELECT name, type FROM system.columns WHERE " + where(database_, table) +
                                    " FORMAT TabSeparated");
  for (auto& line : cells_of(answer)) {
    if (line.size() == 2) found.push_back({std::move(line[0]), std::move(line[1])});
  }
  return found;
}

void TableKeeper::make(RowTable table) {
  const auto found = found_columns(table);
  if (found.empty()) {
    const auto count =
        client_.query("SELECT count() FROM system.databases WHERE name = " + flow::sql_text(database_) +
                      " FORMAT TabSeparated");
    if (count.starts_with("0")) client_.query("CREATE DATABASE IF NOT EXISTS " + flow::sql_name(database_));
    client_.query(create_statement(database_, table));
    return;
  }
  for (const auto& wanted : columns_of(table)) {
    const auto at =
        std::find_if(found.begin(), found.end(), [&](const RowColumn& c) { return c.name == wanted.name; });
    if (at == found.end()) {
      client_.query(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", table_name(database_, table),
                                flow::sql_name(wanted.name), wanted.type));
    } else if (at->type != wanted.type) {
      throw base::Error(
          "the column {} of {} is {}, expected {}: rename the table, or write to another database",
          wanted.name, table_name(database_, table), at->type, wanted.type);
    }
  }
}

size_t TableKeeper::drop_before(RowTable table, base::TimeMs time) {
  // Of the same length: a table that somebody made with other partitions keeps them.
  const std::string first = partition_of(table, time);
  const auto answer =
      client_.query(fmt::format("SELECT DISTINCT partition FROM system.parts WHERE {} AND active AND "
                                "length(partition) = {} AND partition < "
                                "'{}' ORDER BY partition FORMAT TabSeparated",
                                where(database_, table), first.size(), first));
  const auto lines = cells_of(answer);
  for (const auto& line : lines)
    client_.query(fmt::format("ALTER TABLE {} DROP PARTITION {}", table_name(database_, table), line[0]));
  return lines.size();
}

}  // namespace netflowgen::serve
