// Makes the tables where they are not there, and drops partitions that are older than what is kept. The sender's thread.
#pragma once

#include <string>

#include "flow/clickhouse/clickhouse_client.h"
#include "serve/clickhouse/row_tables.h"

namespace netflowgen::serve {

class TableKeeper {
 public:
  TableKeeper(flow::ClickHouseClient& client, std::string database)
      : client_(client), database_(std::move(database)) {}

  // The table is there and has the columns; those of a newer version are added. Error: the server's, or a column of another type.
  void make(RowTable table);
  // Drops the partitions before the one of `time`; how many. Error: the server's.
  size_t drop_before(RowTable table, base::TimeMs time);

 private:
  std::vector<RowColumn> found_columns(RowTable table);

  flow::ClickHouseClient& client_;
  std::string database_;
};

}  // namespace netflowgen::serve
