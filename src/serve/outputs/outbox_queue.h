// One output of an Outbox and its thread: records wait in the file, or in memory while it cannot be written, and are sent in order.
//
// post() is for the outbox's caller, counts() for anyone, the rest for the queue's own thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "serve/db/sqlite.h"
#include "serve/outputs/outbox.h"

namespace netflowgen::serve {

inline constexpr int64_t kRemember_ms = 7 * base::kDayMs;  // what was sent, so that it is not sent again
inline constexpr int kBusy_ms = 1000;

// A record that the file has not taken.
struct OutboxRecord {
  uint64_t ticket = 0;
  std::string key;
  std::string json;
  base::TimeMs posted_ms = 0;
  base::TimeMs done_ms = 0;  // 0: it waits
};

class Outbox::Queue {
 public:
  Queue(const base::fs::path& path, const OutputOptions& options, const OutputLog& log, OutboxTiming timing)
      : options_(options),
        output_(make_output(options, log)),
        log_(log),
        timing_(timing),
        path_(path),
        db_(std::make_unique<Sqlite>(path, Sqlite::Mode::kWrite, kBusy_ms)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Queue() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    came_.notify_one();
    thread_.join();
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  const OutputOptions& options() const { return options_; }
  std::unordered_set<std::string> told;  // open alerts of which it got a record; the caller's of post()
  // To the file, or behind what waits in memory already. Error: the file's; the record is in memory then.
  void post(Sqlite& db, OutboxRecord record);
  OutputCounts counts() const {
    const std::lock_guard lock(mutex_);
    OutputCounts c = counts_;
    c.name = options_.name;
    for (const auto& r : memory_) c.waiting += r.done_ms == 0 ? 1 : 0;
    return c;
  }

 private:
  struct Next {
    int64_t number = 0;   // in the file; 0: of memory
    uint64_t ticket = 0;  // there
    std::string json;
    base::TimeMs posted_ms = 0;
  };

  std::optional<Next> next();
  std::optional<Next> next_of_file();
  bool bring_file_up_to_date();
  void store_memory();
  void mark_done();
  void done(const Next& next);
  bool send(const Next& next);
  void attempt(const Next& next, int64_t& wait);
  void file_failed(const base::Error& e);
  void run();

  OutputOptions options_;
  std::unique_ptr<Output> output_;
  OutputLog log_;
  OutboxTiming timing_;
  base::fs::path path_;
  std::unique_ptr<Sqlite> db_;
  std::vector<int64_t>
      unmarked_;  // numbers in the file that are over with and could not be marked, ascending
  base::TimeMs file_again_ms_ = 0;
  bool file_failing_ = false;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<OutboxRecord> memory_;
  uint64_t tickets_ = 0;
  OutputCounts counts_;
  bool woken_ = true;
  bool stopping_ = false;
  bool failing_ = false;
  std::thread thread_;
};

}  // namespace netflowgen::serve
