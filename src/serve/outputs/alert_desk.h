// Takes alerts and incidents from the collector's thread and writes them to alerts.db on a thread of its own, so that a slow or
// locked disk never holds up detection. What was written is handed on, in order.
//
// Invariants: 1. post() never waits. 2. Records are kept until they are written, kMost at most; beyond that the oldest are
// dropped and counted. 3. A record that cannot be written is handed on all the same, once, and written later.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "detect/alert_db.h"
#include "serve/live_detector.h"
#include "serve/service.h"

namespace netflowgen::serve {

struct DeskCounts {
  uint64_t posted = 0;
  uint64_t written = 0;
  uint64_t waiting = 0;
  uint64_t dropped = 0;
  uint64_t failures = 0;
  uint64_t removed = 0;  // from the file, by its bounds
};

class AlertDesk {
 public:
  static constexpr size_t kMost = 100'000;
  static constexpr std::chrono::minutes kBoundEvery{1};
  using Log = std::function<void(const std::string&)>;
  using Next = std::function<void(const AlertRecord&)>;

  // Error: the file is none of alerts.
  AlertDesk(base::fs::path path, Log log, Next next);
  ~AlertDesk();

  void post(AlertRecord record);
  // Gives the last records `grace_ms` to be written.
  void stop(int64_t grace_ms);
  // From the next write on.
  void set_bounds(const AlertBounds& bounds);
  DeskCounts counts() const;

 private:
  void run();
  bool write(std::deque<AlertRecord>& records);
  void bound(base::TimeMs now_ms);

  base::fs::path path_;
  Log log_;
  Next next_;
  std::unique_ptr<detect::AlertDb> db_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<AlertRecord> queue_;
  DeskCounts counts_;
  AlertBounds bounds_;
  std::chrono::steady_clock::time_point next_bound_{};
  bool stopping_ = false;
  bool failing_ = false;
  std::thread thread_;
};

}  // namespace netflowgen::serve
