#include "infer/state/slots_ahead.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace netflowgen::infer {
namespace {

constexpr size_t kAtOnce = 512;  // slots: about 20 MB of the shipped model, so that an end is not waited for
constexpr int kLowest = 19;

}  // namespace

SlotsAhead::~SlotsAhead() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SlotsAhead::ask(size_t slots) {
  slots = std::min(slots, states_.capacity());
  {
    const std::scoped_lock lock(mutex_);
    if (slots <= asked_) return;
    if (asked_ == 0) done_ = std::min(states_.used(), slots);
    asked_ = slots;
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_all();
}

void SlotsAhead::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_ >= asked_; });
}

void SlotsAhead::work() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kLowest);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || done_ < asked_; });
    if (stop_) return;
    const size_t first = done_;
    const size_t last = std::min(asked_, first + kAtOnce);
    lock.unlock();
    const bool made = states_.populate(first, last);
    lock.lock();
    done_ = made ? last : asked_;
    if (done_ >= asked_) changed_.notify_all();
  }
}

}  // namespace netflowgen::infer
