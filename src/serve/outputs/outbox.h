// The queues of all outputs, in one SQLite file, so that what is to be sent outlives a crash and a target that is away.
//
// post() is for the alert desk's thread; each output has a thread of its own that sends its records in order. A record that
// fails is tried again, after 1 s, 2 s ... 5 min, until it is `give_up_ms` old. Invariants: 1. post() never waits for a target.
// 2. A record (id, event, time) is sent once, also over a restart, unless the target took it and did not say so, or the program was
// killed before it could note that. 3. Where the file cannot be written, records are queued in memory, kMost at most, and sent from
// there in their order; what was sent meanwhile is noted when the file can be written again. 4. Suppressed records are not sent.
// 5. The first record of an alert that an output gets is `raised`, also where it was below the output's severity before.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/db/sqlite.h"
#include "serve/outputs/output.h"

namespace netflowgen::serve {

struct OutputCounts {
  std::string name;
  uint64_t sent = 0;
  uint64_t failures = 0;  // that are tried again
  uint64_t refused = 0;
  uint64_t expired = 0;
  uint64_t waiting = 0;
};

struct OutboxTiming {
  int64_t first_wait_ms = 1000;
  int64_t longest_wait_ms = 300'000;
};

class Outbox {
 public:
  static constexpr size_t kMost = 10'000;
  // Error: the file cannot be opened, an output's options make no sense.
  Outbox(const base::fs::path& path, const std::vector<OutputOptions>& outputs, OutputLog log,
         OutboxTiming timing = {});
  ~Outbox();  // what is being sent is finished; the rest stays in the file

  void post(const AlertRecord& record);
  // At the start: what the file of alerts has of an alert and a queue has not, because the program was killed in between. True: there
  // was something. An alert that was raised before the output was configured is left out.
  bool catch_up(const detect::Alert& alert);
  // Nothing older is caught up with; INT64_MAX: nothing at all.
  base::TimeMs oldest_of_interest_ms() const;
  std::vector<OutputCounts> counts() const;

 private:
  class Queue;
  void post(Queue& queue, const AlertRecord& record);
  bool begins(Queue& queue, const AlertRecord& record);

  OutputLog log_;
  std::unique_ptr<Sqlite> db_;
  std::vector<base::TimeMs> since_;  // by queue: when it was configured first
  std::vector<std::unique_ptr<Queue>> queues_;
  bool failing_ = false;
};

}  // namespace netflowgen::serve
