#include "serve/outputs/alert_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstWait{500};
constexpr milliseconds kLongestWait{30'000};

base::TimeMs newest(const std::deque<AlertRecord>& records) {
  base::TimeMs time = 0;
  for (const auto& record : records) {
    time = std::max(time, std::visit([](const auto& r) { return r.event_ms; }, record));
  }
  return time;
}

}  // namespace

AlertDesk::AlertDesk(base::fs::path path, Log log, Next next)
    : path_(std::move(path)), log_(std::move(log)), next_(std::move(next)) {
  db_ = std::make_unique<detect::AlertDb>(path_);
  thread_ = std::thread([this] { run(); });
}

AlertDesk::~AlertDesk() { stop(2000); }

void AlertDesk::post(AlertRecord record) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.posted;
    queue_.push_back(std::move(record));
    if (queue_.size() > kMost) {
      queue_.pop_front();
      ++counts_.dropped;
    }
  }
  came_.notify_one();
}

void AlertDesk::stop(int64_t grace_ms) {
  if (!thread_.joinable()) return;
  const auto until = std::chrono::steady_clock::now() + milliseconds(grace_ms);
  std::unique_lock lock(mutex_);
  while (counts_.waiting + queue_.size() > 0 && std::chrono::steady_clock::now() < until) {
    lock.unlock();
    came_.notify_one();
    std::this_thread::sleep_for(milliseconds(10));
    lock.lock();
  }
  stopping_ = true;
  const size_t lost = counts_.waiting + queue_.size();
  lock.unlock();
  came_.notify_one();
  thread_.join();
  if (lost > 0)
    log_(fmt::format("error: {}: {} records of alerts could not be written", path_.string(), lost));
}

void AlertDesk::set_bounds(const AlertBounds& bounds) {
  const std::lock_guard lock(mutex_);
  bounds_ = bounds;
  next_bound_ = {};
}

// Now and then, when something was written: what does not grow needs no bound. By the newest record's time: a clock that jumps ahead
// removes nothing.
void AlertDesk::bound(base::TimeMs now_ms) {
  const auto now = std::chrono::steady_clock::now();
  AlertBounds bounds;
  {
    const std::lock_guard lock(mutex_);
    if (now < next_bound_ || (bounds_.keep_ms == 0 && bounds_.most == 0)) return;
    next_bound_ = now + kBoundEvery;
    bounds = bounds_;
  }
  const size_t removed =
      db_->remove_oldest(bounds.keep_ms == 0 ? INT64_MIN : now_ms - bounds.keep_ms, bounds.most);
  if (removed > 0) log_(fmt::format("{} old alerts and incidents are removed by the bounds", removed));
  const std::lock_guard lock(mutex_);
  counts_.removed += removed;
}

DeskCounts AlertDesk::counts() const {
  const std::lock_guard lock(mutex_);
  DeskCounts c = counts_;
  c.waiting += queue_.size();
  return c;
}

// Writes from the front and takes away what is written. False: it has failed.
bool AlertDesk::write(std::deque<AlertRecord>& records) {
  size_t written = 0;
  try {
    if (!db_) db_ = std::make_unique<detect::AlertDb>(path_);
    for (const auto& record : records) {
      std::visit([this](const auto& r) { db_->add(r); }, record);
    }
    db_->flush();
    written = records.size();
    bound(std::min(now_ms(), newest(records)));
    if (failing_) log_(fmt::format("{}: alerts can be written again", path_.string()));
    failing_ = false;
  } catch (const base::Error& e) {
    if (!failing_) log_(fmt::format("error: {}; unwritten alerts are kept and tried again", e.what()));
    failing_ = true;
    db_.reset();  // with its open transaction; all of it is written again
  }
  records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(written));
  const std::lock_guard lock(mutex_);
  counts_.written += written;
  counts_.waiting = records.size();
  if (failing_) ++counts_.failures;
  return !failing_;
}

void AlertDesk::run() {
  std::deque<AlertRecord> unwritten;
  auto wait = kFirstWait;
  while (true) {
    std::deque<AlertRecord> fresh;
    {
      std::unique_lock lock(mutex_);
      const auto something = [this] { return stopping_ || !queue_.empty(); };
      if (unwritten.empty()) {
        came_.wait(lock, something);
      } else {
        came_.wait_for(lock, wait, something);
      }
      if (stopping_ && queue_.empty()) return;
      fresh.swap(queue_);
      counts_.waiting = unwritten.size() + fresh.size();
    }
    const size_t n = fresh.size();
    for (auto& record : fresh) unwritten.push_back(std::move(record));
    while (unwritten.size() > kMost) unwritten.pop_front();
    const std::deque<AlertRecord> told(
        unwritten.end() - static_cast<std::ptrdiff_t>(std::min(n, unwritten.size())), unwritten.end());
    wait = write(unwritten) ? kFirstWait : std::min(2 * wait, kLongestWait);
    for (const auto& record : told) next_(record);
  }
}

}  // namespace netflowgen::serve
