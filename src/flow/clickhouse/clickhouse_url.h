// A table of ClickHouse as an input: clickhouse://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE?OPTION=VALUE&...
// docs/clickhouse.md lists the options. Pure functions but for the password, which a file or the environment gives.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace netflowgen::flow {

// How the flows come: summed by the server to what each node did in each step, or row by row.
enum class TableFormat : uint8_t { kAuto, kAggregates, kRows };

struct ClickHouseUrl {
  std::string host;
  uint16_t port = 8123;  // 8443 with tls
  bool tls = false;
  std::string ca_file;  // "": the system's certificates
  std::string user;     // "": the server's default
  std::string password;
  std::string database = "default";
  std::string table;   // "": the schema's
  std::string schema;  // akvorado, goflow2, or a file; "": told from the table's columns
  TableFormat format = TableFormat::kAuto;
  std::string where;  // a further condition, in SQL
  base::TimeMs from_ms = 0;
  std::optional<base::TimeMs> until_ms;         // the first time that is not read
  uint64_t slice_flows = 4'000'000;             // one query covers whole steps of at most so many flows
  int64_t timeout_ms = 600'000;                 // of one query
  std::map<std::string, std::string> settings;  // of the server

  std::string base_url() const;  // http://HOST:PORT, for requests
  // For messages: without user, password and options.
  std::string name() const;
};

inline constexpr const char* kClickHousePassword = "NETFLOWGEN_CLICKHOUSE_PASSWORD";

bool is_clickhouse_url(std::string_view text);
// UsageError: an option or value that is none. Error: the password's file cannot be read.
ClickHouseUrl parse_clickhouse_url(const std::string& text);
// The URL with another `until`.
std::string with_until(const std::string& text, base::TimeMs until_ms);

// 'text' as a literal of SQL; `name` as an identifier.
std::string sql_text(std::string_view text);
std::string sql_name(std::string_view name);

}  // namespace netflowgen::flow
