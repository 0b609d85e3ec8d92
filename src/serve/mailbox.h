// Questions to the collector's thread, which answers between two batches of flows. Any thread asks; what is left at the end is
// dropped.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace netflowgen::serve {

class Collector;

class Mailbox {
 public:
  using Question = std::function<void(Collector&)>;
  static constexpr size_t kMost = 256;

  // False: too many wait already.
  bool ask(Question question) {
    const std::lock_guard lock(mutex_);
    if (questions_.size() >= kMost || closed_) return false;
    questions_.push_back(std::move(question));
    return true;
  }
  void answer(Collector& collector) {
    std::vector<Question> questions;
    {
      const std::lock_guard lock(mutex_);
      questions.swap(questions_);
    }
    for (const auto& question : questions) question(collector);
  }
  void close() {
    std::vector<Question> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(questions_);
  }

 private:
  std::mutex mutex_;
  std::vector<Question> questions_;
  bool closed_ = false;
};

}  // namespace netflowgen::serve
