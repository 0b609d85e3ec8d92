// What waits in the queue, to the server: one insert after another on a thread of its own, with longer and longer pauses where the
// server does not take them.
//
// Each table waits by itself: one that the server refuses does not stop the others. The queue is shared with who fills it, under `mutex`.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "flow/clickhouse/clickhouse_client.h"
#include "serve/clickhouse/table_keeper.h"
#include "serve/db/disk_queue.h"
#include "serve/row_writer.h"

namespace netflowgen::serve {

// A lane of the queue is a day of a table.
inline int32_t lane_of(RowTable table, int64_t day) {
  return static_cast<int32_t>(day * kRowTables) + static_cast<int32_t>(table);
}

// The server and database of the options. UsageError: check_rows().
flow::ClickHouseUrl row_url(const RowOptions& options);

class RowSender {
 public:
  using Log = std::function<void(const std::string&)>;
  using Clock = std::chrono::steady_clock;

  RowSender(const RowOptions& options, DiskQueue& queue, std::mutex& mutex, Log log);
  ~RowSender();

  void wake() { came_.notify_all(); }
  // From here on nothing waits for company.
  void hurry();
  // Until full() is false. REQUIRES: lock is of the mutex. False: a command gives up.
  bool wait_while(std::unique_lock<std::mutex>& lock, const std::function<bool()>& full, int64_t most_ms);

  // Nobody waits for room any more.
  void abandon();

  // REQUIRES: the mutex is locked.
  uint64_t inserted() const { return inserted_; }
  uint64_t failures() const { return failures_; }
  const std::string& problem() const { return problem_; }
  bool gave_up() const { return gave_up_; }

 private:
  struct Lane {  // of one table
    bool made = false;
    Clock::time_point next{};  // no insert before
    int64_t pause_ms = 0;      // after a failure
    base::TimeMs newest_ms = 0;
    Clock::time_point next_drop{};
  };

  void run();
  bool turn(RowTable table);
  void insert(RowTable table, std::span<const QueuedRecord> records);
  void drop_old(RowTable table);
  void failed(RowTable table, std::string why, bool answered);
  void took(RowTable table);

  RowOptions options_;
  DiskQueue& queue_;
  std::mutex& mutex_;
  Log log_;
  flow::ClickHouseUrl url_;
  flow::ClickHouseClient client_;
  TableKeeper keeper_;
  std::array<Lane, kRowTables> lanes_;
  std::condition_variable came_;
  std::condition_variable gone_;
  std::atomic<bool> stop_{false};
  bool hurry_ = false;
  uint64_t inserted_ = 0;  // rows
  uint64_t failures_ = 0;
  std::string problem_;
  bool gave_up_ = false;
  bool abandoned_ = false;
  Clock::time_point taken_ = Clock::now();  // the last insert, or the start
  std::thread thread_;
};

}  // namespace netflowgen::serve
