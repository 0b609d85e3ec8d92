// Writes history to the disk on a thread of its own. Steps wait in a short queue; where the disk does not keep up, the oldest
// are dropped and counted.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "serve/history/history_db.h"

namespace netflowgen::serve {

class HistoryWriter {
 public:
  static constexpr size_t kMost = 8;
  using Log = std::function<void(const std::string&)>;

  // Error: the file cannot be opened.
  HistoryWriter(const base::fs::path& path, int64_t step_ms, const HistoryOptions& options, Log log);
  ~HistoryWriter();  // writes what waits

  void add(std::shared_ptr<const StepBlock> block);
  // Until add() drops nothing: for who replays the past faster than the disk takes it.
  void wait_for_room();
  void set_options(const HistoryOptions& options);

  struct Counts {
    uint64_t written = 0;
    uint64_t dropped = 0;
    uint64_t failures = 0;
    int64_t bytes = 0;
  };
  Counts counts() const;

 private:
  void run();
  void write(const StepBlock& block);

  HistoryDb db_;
  int64_t step_ms_;
  Log log_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::condition_variable taken_;
  std::deque<std::shared_ptr<const StepBlock>> queue_;
  std::unique_ptr<HistoryOptions> fresh_options_;
  Counts counts_;
  bool stopping_ = false;
  bool failing_ = false;
  base::TimeMs maintained_ms_ = INT64_MIN;
  std::thread thread_;
};

}  // namespace netflowgen::serve
