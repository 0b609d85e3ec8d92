// A few threads that do one thing at a time together. run() is called by one thread, which takes part.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace netflowgen::infer {

class Workers {
 public:
  explicit Workers(size_t count) {
    for (size_t i = 1; i < count; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~Workers() {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    start_.notify_all();
    for (auto& t : threads_) t.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  size_t size() const { return threads_.size() + 1; }

  // Calls work(i) for i in [0, size()) at once and returns when all have returned. work does not throw.
  void run(const std::function<void(size_t)>& work) {
    if (!threads_.empty()) {
      const std::scoped_lock lock(mutex_);
      work_ = &work;
      running_ = threads_.size();
      ++round_;
    }
    start_.notify_all();
    work(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  void serve(size_t worker) {
    uint64_t seen = 0;
    for (;;) {
      const std::function<void(size_t)>* work = nullptr;
      {
        std::unique_lock lock(mutex_);
        start_.wait(lock, [&] { return stop_ || round_ != seen; });
        if (stop_) return;
        seen = round_;
        work = work_;
      }
      (*work)(worker);
      const std::scoped_lock lock(mutex_);
      if (--running_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  const std::function<void(size_t)>* work_ = nullptr;
  size_t running_ = 0;
  uint64_t round_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace netflowgen::infer
