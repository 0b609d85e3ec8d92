#include "serve/outputs/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "detect/alert.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kRemember_ms = 7 * base::kDayMs;  // what was sent, so that it is not sent again
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS queue(
  number INTEGER PRIMARY KEY, output TEXT NOT NULL, key TEXT NOT NULL, posted_ms INTEGER NOT NULL, record TEXT, done_ms INTEGER,
  UNIQUE(output, key));
CREATE INDEX IF NOT EXISTS queue_waiting ON queue(output, number) WHERE done_ms IS NULL;
PRAGMA user_version = 1;
)";

std::string json_of(const AlertRecord& record) {
  std::string line = std::visit([](const auto& r) { return detect::to_json_line(r); }, record);
  line.pop_back();
  return line;
}

bool suppressed(const AlertRecord& record) {
  return std::visit([](const auto& r) { return r.suppressed != detect::Suppression::kNone; }, record);
}

}  // namespace

// One output and its thread.
class Outbox::Queue {
 public:
  Queue(const base::fs::path& path, const OutputOptions& options, const OutputLog& log, OutboxTiming timing)
      : options_(options), output_(make_output(options, log)), log_(log), timing_(timing), path_(path) {
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
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    came_.notify_one();
  }
  // Where the file cannot be written.
  void keep(std::string json) {
    const std::lock_guard lock(mutex_);
    memory_.push_back(std::move(json));
    if (memory_.size() > kMost) memory_.pop_front();
    woken_ = true;
    came_.notify_one();
  }
  OutputCounts counts() const {
    const std::lock_guard lock(mutex_);
    OutputCounts c = counts_;
    c.name = options_.name;
    c.waiting += memory_.size();
    return c;
  }

 private:
  struct Next {
    int64_t number = 0;  // 0: of memory
    std::string json;
    base::TimeMs posted_ms = 0;
  };

  std::optional<Next> next();
  void done(const Next& next);
  bool send(const Next& next);
  void run();

  OutputOptions options_;
  std::unique_ptr<Output> output_;
  OutputLog log_;
  OutboxTiming timing_;
  base::fs::path path_;
  std::unique_ptr<Sqlite> db_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::string> memory_;
  OutputCounts counts_;
  bool woken_ = true;
  bool stopping_ = false;
  bool failing_ = false;
  std::thread thread_;
};

std::optional<Outbox::Queue::Next> Outbox::Queue::next() {
  {
    const std::lock_guard lock(mutex_);
    if (!memory_.empty()) return Next{0, memory_.front(), now_ms()};
  }
  if (!db_) db_ = std::make_unique<Sqlite>(path_, Sqlite::Mode::kWrite, 10'000);
  Statement s(*db_,
              "SELECT number, record, posted_ms FROM queue WHERE output = ?1 AND done_ms IS NULL ORDER BY "
              "number LIMIT 1");
  s.bind(1, std::string_view(options_.name));
  if (!s.step()) return std::nullopt;
  return Next{s.integer(0), s.text(1), s.integer(2)};
}

void Outbox::Queue::done(const Next& next) {
  if (next.number == 0) {
    const std::lock_guard lock(mutex_);
    memory_.pop_front();
    return;
  }
  Statement(*db_, "UPDATE queue SET done_ms = ?1, record = NULL WHERE number = ?2")
      .bind(1, now_ms())
      .bind(2, next.number)
      .run();
  Statement(*db_, "DELETE FROM queue WHERE output = ?1 AND done_ms < ?2")
      .bind(1, std::string_view(options_.name))
      .bind(2, now_ms() - kRemember_ms)
      .run();
}

// True: this record is over with.
bool Outbox::Queue::send(const Next& next) {
  try {
    if (now_ms() - next.posted_ms > options_.give_up_ms) {
      log_(fmt::format("error: {}: a record was given up, it is {} h old", options_.name,
                       options_.give_up_ms / base::kHourMs));
      const std::lock_guard lock(mutex_);
      ++counts_.expired;
      return true;
    }
    output_->send({parse_record(next.json), next.json});
    if (failing_) log_(fmt::format("{}: works again", options_.name));
    failing_ = false;
    const std::lock_guard lock(mutex_);
    ++counts_.sent;
    return true;
  } catch (const Refused& r) {
    log_(fmt::format("error: {}: {}; the record is given up", options_.name, r.why));
    const std::lock_guard lock(mutex_);
    ++counts_.refused;
    return true;
  } catch (const base::Error& e) {
    if (!failing_) log_(fmt::format("error: {}: {}; it is tried again", options_.name, e.what()));
    failing_ = true;
    const std::lock_guard lock(mutex_);
    ++counts_.failures;
    return false;
  }
}

void Outbox::Queue::run() {
  int64_t wait = timing_.first_wait_ms;
  while (true) {
    bool idle = true;
    try {
      output_->tick(now_ms());
      if (const auto n = next()) {
        idle = false;
        if (send(*n)) {
          done(*n);
          wait = timing_.first_wait_ms;
        } else {
          wait = std::min(2 * wait, timing_.longest_wait_ms);
          std::unique_lock lock(mutex_);
          came_.wait_for(lock, milliseconds(wait / 2), [this] { return stopping_; });
        }
      }
    } catch (const Refused& r) {
      log_(fmt::format("error: {}: {}", options_.name, r.why));
    } catch (const base::Error& e) {
      if (!failing_) log_(fmt::format("error: {}: {}", options_.name, e.what()));
      failing_ = true;
      db_.reset();
    }
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (!idle) continue;
    came_.wait_for(lock, milliseconds(1000), [this] { return stopping_ || woken_; });
    woken_ = false;
  }
}

Outbox::Outbox(const base::fs::path& path, const std::vector<OutputOptions>& outputs, OutputLog log,
               OutboxTiming timing)
    : log_(std::move(log)) {
  if (outputs.empty()) return;
  db_ = std::make_unique<Sqlite>(path, Sqlite::Mode::kWrite);
  db_->run(kSchema);
  for (const auto& o : outputs) queues_.push_back(std::make_unique<Queue>(path, o, log_, timing));
}

Outbox::~Outbox() = default;

void Outbox::post(const AlertRecord& record) {
  if (queues_.empty() || suppressed(record)) return;
  const std::string json = json_of(record);
  const std::string key = key_of(record);
  for (const auto& queue : queues_) {
    if (severity_of(record) < queue->options().at_least) continue;
    try {
      Statement(*db_, "INSERT OR IGNORE INTO queue(output, key, posted_ms, record) VALUES(?1, ?2, ?3, ?4)")
          .bind(1, std::string_view(queue->options().name))
          .bind(2, std::string_view(key))
          .bind(3, now_ms())
          .bind(4, std::string_view(json))
          .run();
      failing_ = false;
      queue->wake();
    } catch (const base::Error& e) {
      if (!failing_) log_(fmt::format("error: {}; alerts to be sent are queued in memory", e.what()));
      failing_ = true;
      queue->keep(json);
    }
  }
}

std::vector<OutputCounts> Outbox::counts() const {
  std::vector<OutputCounts> all;
  for (const auto& queue : queues_) all.push_back(queue->counts());
  return all;
}

}  // namespace netflowgen::serve
