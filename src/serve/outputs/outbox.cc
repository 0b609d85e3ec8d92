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
constexpr int64_t kFileAgain_ms = 1000;             // between tries to write a file that cannot be written
constexpr int kBusy_ms = 1000;
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS queue(
  number INTEGER PRIMARY KEY, output TEXT NOT NULL, key TEXT NOT NULL, posted_ms INTEGER NOT NULL, record TEXT, done_ms INTEGER,
  UNIQUE(output, key));
CREATE INDEX IF NOT EXISTS queue_waiting ON queue(output, number) WHERE done_ms IS NULL;
CREATE TABLE IF NOT EXISTS outputs(name TEXT PRIMARY KEY, since_ms INTEGER NOT NULL);
PRAGMA user_version = 1;
)";
constexpr const char* kInsert =
    "INSERT OR IGNORE INTO queue(output, key, posted_ms, record, done_ms) VALUES(?1, ?2, ?3, ?4, ?5)";

std::string json_of(const AlertRecord& record) {
  std::string line = std::visit([](const auto& r) { return detect::to_json_line(r); }, record);
  line.pop_back();
  return line;
}

bool suppressed(const AlertRecord& record) {
  return std::visit([](const auto& r) { return r.suppressed != detect::Suppression::kNone; }, record);
}

// A record that the file has not taken.
struct QueuedRecord {
  uint64_t ticket = 0;
  std::string key;
  std::string json;
  base::TimeMs posted_ms = 0;
  base::TimeMs done_ms = 0;  // 0: it waits
};

// Refused: what is queued is no record, and will never be one.
AlertRecord parse(const std::string& json) {
  try {
    return parse_record(json);
  } catch (const base::Error& e) {
    throw Refused{e.what()};
  }
}

void insert(Sqlite& db, const std::string& output, const QueuedRecord& r) {
  Statement s(db, kInsert);
  s.bind(1, std::string_view(output)).bind(2, std::string_view(r.key)).bind(3, r.posted_ms);
  if (r.done_ms == 0) {
    s.bind(4, std::string_view(r.json)).bind_null(5);
  } else {
    s.bind_null(4).bind(5, r.done_ms);
  }
  s.run();
}

}  // namespace

// One output and its thread.
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
  // To the file, or behind what waits in memory already. Error: the file's; the record is in memory then.
  void post(Sqlite& db, QueuedRecord record);
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
  std::deque<QueuedRecord> memory_;
  uint64_t tickets_ = 0;
  OutputCounts counts_;
  bool woken_ = true;
  bool stopping_ = false;
  bool failing_ = false;
  std::thread thread_;
};

void Outbox::Queue::post(Sqlite& db, QueuedRecord record) {
  std::unique_lock lock(mutex_);
  if (memory_.empty()) {
    lock.unlock();
    try {
      insert(db, options_.name, record);
      lock.lock();
      woken_ = true;
      came_.notify_one();
      return;
    } catch (const base::Error&) {
      lock.lock();
      record.ticket = ++tickets_;
      memory_.push_back(std::move(record));
      woken_ = true;
      came_.notify_one();
      throw;
    }
  }
  record.ticket = ++tickets_;
  memory_.push_back(std::move(record));
  if (memory_.size() > kMost) {
    if (memory_.front().done_ms == 0) ++counts_.expired;
    memory_.pop_front();
  }
  woken_ = true;
  came_.notify_one();
}

void Outbox::Queue::file_failed(const base::Error& e) {
  if (!file_failing_)
    log_(fmt::format("error: {}: {}; sending continues from memory", options_.name, e.what()));
  file_failing_ = true;
  file_again_ms_ = now_ms() + kFileAgain_ms;
}

void Outbox::Queue::mark_done() {
  Statement s(*db_, "UPDATE queue SET done_ms = ?1, record = NULL WHERE number = ?2");
  while (!unmarked_.empty()) {
    s.bind(1, now_ms()).bind(2, unmarked_.front()).run();
    unmarked_.erase(unmarked_.begin());
  }
  Statement(*db_, "DELETE FROM queue WHERE output = ?1 AND done_ms < ?2")
      .bind(1, std::string_view(options_.name))
      .bind(2, now_ms() - kRemember_ms)
      .run();
}

// What waits in memory, and what was sent from there, goes into the file in the order of its coming.
void Outbox::Queue::store_memory() {
  while (true) {
    QueuedRecord first;
    {
      const std::lock_guard lock(mutex_);
      if (memory_.empty()) return;
      first = memory_.front();
    }
    insert(*db_, options_.name, first);
    const std::lock_guard lock(mutex_);
    if (!memory_.empty() && memory_.front().ticket == first.ticket) memory_.pop_front();
  }
}

// False: the file cannot be written now.
bool Outbox::Queue::bring_file_up_to_date() {
  if (file_failing_ && now_ms() < file_again_ms_) return false;
  try {
    if (!unmarked_.empty()) mark_done();
    store_memory();
    Statement s(*db_, "SELECT count(*) FROM queue WHERE output = ?1 AND done_ms IS NULL");
    s.bind(1, std::string_view(options_.name));
    const auto waiting = s.step() ? static_cast<uint64_t>(s.integer(0)) : 0;
    const std::lock_guard lock(mutex_);
    counts_.waiting = waiting;
  } catch (const base::Error& e) {
    file_failed(e);
    return false;
  }
  if (file_failing_) log_(fmt::format("{}: {} can be written again", options_.name, path_.string()));
  file_failing_ = false;
  return true;
}

std::optional<Outbox::Queue::Next> Outbox::Queue::next_of_file() {
  try {
    Statement s(
        *db_,
        "SELECT number, record, posted_ms FROM queue WHERE output = ?1 AND done_ms IS NULL AND number > ?2 "
        "ORDER BY number LIMIT 1");
    s.bind(1, std::string_view(options_.name)).bind(2, unmarked_.empty() ? 0 : unmarked_.back());
    if (s.step()) return Next{s.integer(0), 0, s.text(1), s.integer(2)};
  } catch (const base::Error& e) {
    file_failed(e);
  }
  return std::nullopt;
}

// What the file has is older than what memory has.
std::optional<Outbox::Queue::Next> Outbox::Queue::next() {
  const bool up_to_date = bring_file_up_to_date();
  if (auto n = next_of_file(); n || up_to_date) return n;
  const std::lock_guard lock(mutex_);
  for (const auto& r : memory_) {
    if (r.done_ms == 0) return Next{0, r.ticket, r.json, r.posted_ms};
  }
  return std::nullopt;
}

void Outbox::Queue::done(const Next& next) {
  if (next.number != 0) return unmarked_.push_back(next.number);
  const std::lock_guard lock(mutex_);
  for (auto& r : memory_) {
    if (r.ticket == next.ticket) r.done_ms = now_ms();
  }
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
    output_->send({parse(next.json), next.json});
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

void Outbox::Queue::attempt(const Next& next, int64_t& wait) {
  if (send(next)) {
    done(next);
    wait = timing_.first_wait_ms;
    return;
  }
  wait = std::min(2 * wait, timing_.longest_wait_ms);
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, milliseconds(wait / 2), [this] { return stopping_; });
}

void Outbox::Queue::run() {
  int64_t wait = timing_.first_wait_ms;
  while (true) {
    bool idle = true;
    try {
      output_->tick(now_ms());
    } catch (const Refused& r) {
      log_(fmt::format("error: {}: {}", options_.name, r.why));
    } catch (const base::Error& e) {
      if (!failing_) log_(fmt::format("error: {}: {}", options_.name, e.what()));
      failing_ = true;
    }
    if (const auto n = next()) {
      idle = false;
      attempt(*n, wait);
    }
    std::unique_lock lock(mutex_);
    if (stopping_) break;
    if (!idle) continue;
    came_.wait_for(lock, milliseconds(1000), [this] { return stopping_ || woken_; });
    woken_ = false;
  }
  file_failing_ = false;  // the last try, whenever the one before was
  bring_file_up_to_date();
}

Outbox::Outbox(const base::fs::path& path, const std::vector<OutputOptions>& outputs, OutputLog log,
               OutboxTiming timing)
    : log_(std::move(log)) {
  if (outputs.empty()) return;
  db_ = std::make_unique<Sqlite>(path, Sqlite::Mode::kWrite, kBusy_ms);
  db_->run(kSchema);
  for (const auto& o : outputs) {
    Statement(*db_, "INSERT OR IGNORE INTO outputs VALUES(?1, ?2)")
        .bind(1, std::string_view(o.name))
        .bind(2, now_ms())
        .run();
    Statement s(*db_, "SELECT since_ms FROM outputs WHERE name = ?1");
    s.bind(1, std::string_view(o.name));
    since_.push_back(s.step() ? s.integer(0) : now_ms());
  }
  for (const auto& o : outputs) queues_.push_back(std::make_unique<Queue>(path, o, log_, timing));
}

Outbox::~Outbox() = default;

void Outbox::post(const AlertRecord& record) {
  if (queues_.empty() || suppressed(record)) return;
  for (const auto& queue : queues_) post(*queue, record);
}

void Outbox::post(Queue& queue, const AlertRecord& record) {
  if (severity_of(record) < queue.options().at_least) return;
  try {
    queue.post(*db_, {0, key_of(record), json_of(record), now_ms(), 0});
    failing_ = false;
  } catch (const base::Error& e) {
    if (!failing_) log_(fmt::format("error: {}; alerts to be sent are queued in memory", e.what()));
    failing_ = true;
  }
}

base::TimeMs Outbox::oldest_of_interest_ms() const {
  if (since_.empty()) return INT64_MAX;
  return std::max(*std::min_element(since_.begin(), since_.end()), now_ms() - kRemember_ms / 2);
}

bool Outbox::catch_up(const detect::Alert& alert) {
  if (alert.event_ms < oldest_of_interest_ms() || suppressed(alert)) return false;
  bool queued = false;
  for (size_t i = 0; i < queues_.size(); ++i) {
    if (alert.event_ms < since_[i] || alert.severity < queues_[i]->options().at_least) continue;
    Statement s(*db_, "SELECT count(*), total(key = ?2) FROM queue WHERE output = ?1 AND key GLOB ?3");
    const std::string key = key_of(alert);
    const std::string of_alert = alert.id + " *";
    s.bind(1, std::string_view(queues_[i]->options().name))
        .bind(2, std::string_view(key))
        .bind(3, std::string_view(of_alert));
    if (!s.step() || s.real(1) > 0) continue;
    if (s.integer(0) == 0 && alert.event != detect::AlertEvent::kRaised) {
      detect::Alert raised = alert;
      raised.event = detect::AlertEvent::kRaised;
      raised.event_ms = raised.raised_ms;
      raised.end_ms = 0;
      post(*queues_[i], raised);
    }
    post(*queues_[i], alert);
    queued = true;
  }
  return queued;
}

std::vector<OutputCounts> Outbox::counts() const {
  std::vector<OutputCounts> all;
  for (const auto& queue : queues_) all.push_back(queue->counts());
  return all;
}

}  // namespace netflowgen::serve
