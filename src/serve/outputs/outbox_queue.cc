#include "serve/outputs/outbox_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kFileAgain_ms = 1000;  // between tries to write a file that cannot be written
constexpr const char* kInsert =
    "INSERT OR IGNORE INTO queue(output, key, posted_ms, record, done_ms) VALUES(?1, ?2, ?3, ?4, ?5)";

// Refused: what is queued is no record, and will never be one.
AlertRecord parse(const std::string& json) {
  try {
    return parse_record(json);
  } catch (const base::Error& e) {
    throw Refused{e.what()};
  }
}

void insert(Sqlite& db, const std::string& output, const OutboxRecord& r) {
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

void Outbox::Queue::post(Sqlite& db, OutboxRecord record) {
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
    OutboxRecord first;
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
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, milliseconds(wait), [this] { return stopping_; });
  wait = std::min(2 * wait, timing_.longest_wait_ms);
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

}  // namespace netflowgen::serve
