#include "serve/clickhouse/row_sender.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kInsertBytes = uint64_t{8} << 20;
constexpr milliseconds kLinger{1000};  // between two small inserts into a table: servers like few large ones
constexpr int64_t kFirstPause_ms = 1000;
constexpr int64_t kLongestPause_ms = 60'000;
constexpr milliseconds kTick{250};
constexpr std::chrono::hours kDropEvery{1};

}  // namespace

RowSender::RowSender(const RowOptions& options, DiskQueue& queue, std::mutex& mutex, Log log)
    : options_(options),
      queue_(queue),
      mutex_(mutex),
      log_(std::move(log)),
      url_(row_url(options)),
      client_(url_, false),
      keeper_(client_, url_.database) {
  client_.stop_on(stop_);
  thread_ = std::thread([this] { run(); });
}

RowSender::~RowSender() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  came_.notify_all();
  thread_.join();
}

void RowSender::hurry() {
  const std::lock_guard lock(mutex_);
  hurry_ = true;
  came_.notify_all();
}

void RowSender::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  gone_.notify_all();
}

bool RowSender::wait_while(std::unique_lock<std::mutex>& lock, const std::function<bool()>& full,
                           int64_t most_ms) {
  const auto until = Clock::now() + milliseconds(most_ms);
  while (full() && !gave_up_ && !abandoned_ && Clock::now() < until) gone_.wait_for(lock, kTick);
  return !gave_up_ && !abandoned_;
}

void RowSender::run() {
  while (!stop_) {
    bool any = false;
    for (int t = 0; t < kRowTables && !stop_; ++t) any = turn(static_cast<RowTable>(t)) || any;
    std::unique_lock lock(mutex_);
    if (!any && !stop_) came_.wait_for(lock, kTick);
  }
}

// True: something was inserted, and more may wait.
bool RowSender::turn(RowTable table) {
  Lane& lane = lanes_[static_cast<size_t>(table)];
  std::vector<QueuedRecord> records;
  {
    const std::lock_guard lock(mutex_);
    const bool waits = lane.pause_ms > 0 || !hurry_;
    if (queue_.records() == 0 || (waits && Clock::now() < lane.next)) return false;
    try {
      records = queue_.read_lane(static_cast<int32_t>(table), kRowTables, kInsertBytes);
    } catch (const base::Error& e) {
      problem_ = e.what();
      return false;
    }
  }
  if (records.empty()) return false;
  try {
    if (!lane.made) keeper_.make(table);
    lane.made = true;
    insert(table, records);
    drop_old(table);
  } catch (const base::Error& e) {
    failed(table, e.what(), true);
  }
  return lane.pause_ms == 0;
}

void RowSender::insert(RowTable table, std::span<const QueuedRecord> records) {
  std::string body;
  uint64_t rows = 0;
  std::vector<uint64_t> ids;
  for (const auto& r : records) {
    body.append(r.value.begin(), r.value.end());
    rows += r.items;
    ids.push_back(r.id);
  }
  const auto taken = client_.insert(insert_statement(url_.database, table), body);
  if (!taken.yes) return failed(table, taken.why_not, taken.answered);
  Lane& lane = lanes_[static_cast<size_t>(table)];
  lane.newest_ms =
      std::max<base::TimeMs>(lane.newest_ms, int64_t{records.front().lane} / kRowTables * base::kDayMs);
  const std::lock_guard lock(mutex_);
  queue_.remove(ids);
  inserted_ += rows;
  lane.next = Clock::now() + (body.size() >= kInsertBytes / 2 ? milliseconds(0) : kLinger);
  took(table);
  gone_.notify_all();
}

// REQUIRES: the mutex is locked.
void RowSender::took(RowTable table) {
  lanes_[static_cast<size_t>(table)].pause_ms = 0;
  taken_ = Clock::now();
  const bool all = std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.pause_ms == 0; });
  if (problem_.empty() || !all) return;
  problem_.clear();
  log_(fmt::format("{}: rows are taken again, {} wait", url_.name(), queue_.items()));
}

void RowSender::failed(RowTable table, std::string why, bool answered) {
  if (const auto name = url_.name() + ": "; why.starts_with(name))
    why.erase(0, name.size());  // the log has it already
  Lane& lane = lanes_[static_cast<size_t>(table)];
  lane.made = false;  // whoever dropped the table finds it made again
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  lane.pause_ms = std::clamp(lane.pause_ms * 2, kFirstPause_ms, kLongestPause_ms);
  lane.next = Clock::now() + milliseconds(lane.pause_ms);
  ++failures_;
  if (problem_ != why)
    log_(fmt::format("warning: {}: {} are not taken: {}; rows wait, up to {} MiB", url_.name(),
                     name_of(table), why, options_.queue_bytes >> 20));
  problem_ = why;
  // A command does not wait for a person who gives it rights.
  const bool hopeless = answered && inserted_ == 0;
  gave_up_ = options_.wait && (hopeless || Clock::now() - taken_ > milliseconds(options_.give_up_ms));
  gone_.notify_all();
}

// By the newest rows that were written, so that a clock which jumps ahead removes nothing.
void RowSender::drop_old(RowTable table) {
  Lane& lane = lanes_[static_cast<size_t>(table)];
  const int64_t keep = table == RowTable::kAlerts ? options_.keep_alerts_ms : options_.keep_ms;
  if (keep == 0 || lane.pause_ms > 0 || Clock::now() < lane.next_drop) return;
  lane.next_drop = Clock::now() + kDropEvery;
  try {
    const size_t dropped = keeper_.drop_before(table, std::min(lane.newest_ms, now_ms()) - keep);
    if (dropped > 0)
      log_(fmt::format("{}: {} old partitions of {} dropped", url_.name(), dropped, name_of(table)));
  } catch (const base::Error& e) {
    if (!stop_) log_(fmt::format("warning: old partitions of {} stay: {}", name_of(table), e.what()));
  }
}

}  // namespace netflowgen::serve
