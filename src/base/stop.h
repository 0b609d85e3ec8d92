// Ctrl-C as a value: long work asks stop.requested() at safe points, saves what it has and returns.
// Progress as a value: long work reports, `cli` decides how to show it. Both are optional everywhere.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace netflowgen::base {

class StopFlag {
 public:
  bool requested() const { return flag_.load(std::memory_order_relaxed); }
  void request() { flag_.store(true, std::memory_order_relaxed); }  // async-signal-safe

 private:
  std::atomic<bool> flag_{false};
};

// A request that is taken once, such as SIGHUP's to read files again.
class RequestFlag {
 public:
  void request() { flag_.store(true, std::memory_order_relaxed); }  // async-signal-safe
  bool take() { return flag_.load(std::memory_order_relaxed) && flag_.exchange(false); }

 private:
  std::atomic<bool> flag_{false};
};

struct Progress {
  std::string what;  // e.g. "rows", "steps"
  uint64_t done = 0;
  uint64_t total = 0;  // 0: unknown
  std::string note;    // e.g. "loss 1.23"
};
using ProgressFn = std::function<void(const Progress&)>;

}  // namespace netflowgen::base
