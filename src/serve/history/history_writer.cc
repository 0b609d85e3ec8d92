#include "serve/history/history_writer.h"

#include <fmt/format.h>

#include "base/error.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kMaintainEvery_ms = 5 * 60'000;

}  // namespace

HistoryWriter::HistoryWriter(const base::fs::path& path, int64_t step_ms, const HistoryOptions& options,
                             Log log)
    : db_(path, step_ms, options), step_ms_(step_ms), log_(std::move(log)) {
  counts_.bytes = db_.bytes();
  thread_ = std::thread([this] { run(); });
}

HistoryWriter::~HistoryWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  came_.notify_one();
  thread_.join();
}

void HistoryWriter::add(std::shared_ptr<const StepBlock> block) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(block));
    if (queue_.size() > kMost) {
      queue_.pop_front();
      ++counts_.dropped;
    }
  }
  came_.notify_one();
}

void HistoryWriter::wait_for_room() {
  std::unique_lock lock(mutex_);
  taken_.wait(lock, [this] { return queue_.size() < kMost; });
}

void HistoryWriter::set_options(const HistoryOptions& options) {
  const std::lock_guard lock(mutex_);
  fresh_options_ = std::make_unique<HistoryOptions>(options);
}

HistoryWriter::Counts HistoryWriter::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void HistoryWriter::write(const StepBlock& block) {
  try {
    db_.add(block);
    const base::TimeMs end = block.time_ms + step_ms_;
    if (maintained_ms_ == INT64_MIN || end >= maintained_ms_ + kMaintainEvery_ms) {
      maintained_ms_ = end;
      db_.maintain(end);
    }
    const int64_t bytes = db_.bytes();
    const std::lock_guard lock(mutex_);
    ++counts_.written;
    counts_.bytes = bytes;
    failing_ = false;
  } catch (const base::Error& e) {
    if (!failing_) log_(fmt::format("error: {}; this step is missing in the stored history", e.what()));
    failing_ = true;
    const std::lock_guard lock(mutex_);
    ++counts_.failures;
    ++counts_.dropped;
  }
}

void HistoryWriter::run() {
  while (true) {
    std::shared_ptr<const StepBlock> block;
    std::unique_ptr<HistoryOptions> options;
    {
      std::unique_lock lock(mutex_);
      came_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      block = std::move(queue_.front());
      queue_.pop_front();
      options = std::move(fresh_options_);
    }
    taken_.notify_one();
    if (options) db_.set_options(*options);
    write(*block);
  }
}

}  // namespace netflowgen::serve
