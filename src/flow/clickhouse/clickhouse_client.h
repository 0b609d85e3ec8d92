// Queries to a server over ClickHouse's HTTP interface, which every version has. One thread an object.
#pragma once

#include <memory>
#include <string>

#include "flow/clickhouse/clickhouse_url.h"

namespace netflowgen::flow {

class ClickHouseClient {
 public:
  static constexpr size_t kMaxAnswer = size_t{1} << 30;

  explicit ClickHouseClient(ClickHouseUrl url);
  ~ClickHouseClient();
  ClickHouseClient(const ClickHouseClient&) = delete;
  ClickHouseClient& operator=(const ClickHouseClient&) = delete;

  // The whole answer. The server has it complete before it sends its first byte, so an answer is never cut short by an error of
  // the query. A server that is away, or busy, is asked three times. Error: with what the server says.
  std::string query(const std::string& sql);
  const ClickHouseUrl& url() const { return url_; }
  uint64_t bytes() const { return bytes_; }  // of answers

 private:
  struct Handle;
  struct Answer {
    long status = 0;
    std::string body;
    std::string failure;  // of the connection; "": none
  };
  Answer ask(const std::string& sql);

  ClickHouseUrl url_;
  std::string target_;
  std::unique_ptr<Handle> handle_;
  uint64_t bytes_ = 0;
};

}  // namespace netflowgen::flow
