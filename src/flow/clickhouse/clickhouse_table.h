// One table of flows on a server of ClickHouse: what it has, and the SQL that selects it. One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "base/error.h"
#include "flow/clickhouse/clickhouse_client.h"
#include "flow/clickhouse/table_schema.h"

namespace netflowgen::flow {

// Asks the server for the table's columns. Error: no server, no such table, columns of no known schema.
class ClickHouseTable {
 public:
  explicit ClickHouseTable(const std::string& url);

  const ClickHouseUrl& url() const { return client_.url(); }
  const TableSchema& schema() const { return schema_; }
  uint32_t known() const { return schema_.known(); }
  // "(SELECT ...)": the flows that start in [from, until), with a column for each TableField.
  std::string flows_sql(base::TimeMs from, base::TimeMs until) const;
  std::string query(const std::string& sql) { return client_.query(sql); }
  uint64_t bytes() const { return client_.bytes(); }

  // Flows that start in a step, and those of them whose counters no link can carry (flow/settle.h).
  struct StepCount {
    int64_t step = 0;
    uint64_t flows = 0;
    uint64_t impossible = 0;
  };
  // Of the URL's time, steps ascending.
  std::vector<StepCount> census(int64_t step_ms);
  // The first time that is not read: the URL's, or the end of time.
  base::TimeMs until() const;
  // The start of the last flow. nullopt: there is none.
  std::optional<base::TimeMs> last_time();

 private:
  void check_types();

  ClickHouseClient client_;
  TableSchema schema_;
};

// Whether flows.settle()'s rule makes the counters of a row unknown, as SQL over flows_sql(). REQUIRES: the durations are not known.
std::string impossible_sql(uint32_t known);

// Values of an answer in the format RowBinary. Error: it ends too early.
class RowBinaryReader {
 public:
  explicit RowBinaryReader(std::string_view bytes)
      : at_(reinterpret_cast<const uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}
  bool at_end() const { return at_ == end_; }
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, bytes(sizeof value), sizeof value);  // little-endian, as this machine is
    return value;
  }
  const uint8_t* bytes(size_t n) {
    if (static_cast<size_t>(end_ - at_) < n) throw base::Error("ClickHouse: an answer ends within a row");
    return std::exchange(at_, at_ + n);
  }
  // The length of an array.
  size_t size() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      const uint8_t b = *bytes(1);
      value |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) break;
    }
    if (value > static_cast<uint64_t>(end_ - at_)) throw base::Error("ClickHouse: an array without an end");
    return value;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace netflowgen::flow
