// Queries to a server over ClickHouse's HTTP interface, which every version has. One thread an object.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "flow/clickhouse/clickhouse_url.h"

namespace netflowgen::flow {

class ClickHouseClient {
 public:
  static constexpr size_t kMaxAnswer = size_t{1} << 30;

  // `in_database`: the URL's database is the one of names without any; else the server's default, which is always there.
  explicit ClickHouseClient(ClickHouseUrl url, bool in_database = true);
  ~ClickHouseClient();
  ClickHouseClient(const ClickHouseClient&) = delete;
  ClickHouseClient& operator=(const ClickHouseClient&) = delete;

  // The whole answer. The server has it complete before it sends its first byte, so an answer is never cut short by an error of
  // the query. A server that is away, or busy, is asked three times. Error: with what the server says.
  std::string query(const std::string& sql);

  struct Taken {
    bool yes = false;
    bool answered = false;  // by the server, and not only by the network
    std::string why_not;
  };
  // `sql` is INSERT INTO ... FORMAT ..., `rows` its data. Tried once.
  Taken insert(const std::string& sql, std::string_view rows);
  // While this is true, requests end at once. It must outlive the client.
  void stop_on(const std::atomic<bool>& stop);

  const ClickHouseUrl& url() const { return url_; }
  uint64_t bytes() const { return bytes_; }  // of answers

 private:
  struct Handle;
  struct Answer {
    long status = 0;
    std::string body;
    std::string failure;  // of the connection; "": none
  };
  Answer ask(const std::string& target, std::string_view body);

  bool stopped() const { return stop_ != nullptr && stop_->load(); }

  ClickHouseUrl url_;
  std::string target_;
  std::unique_ptr<Handle> handle_;
  const std::atomic<bool>* stop_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace netflowgen::flow
