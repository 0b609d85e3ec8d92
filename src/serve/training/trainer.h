// Training beside the service: the program's own commands as a process of its own, at the lowest priority, so that it takes what
// the service leaves. The service itself knows nothing of how models are trained.
//
// Any thread. Invariants: 1. One training at a time. 2. The commands see a stop within a second, and are killed kGrace_ms later.
// 3. A model that was made is reported once, by take_finished(); whoever takes it says with settle() what became of it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/time.h"
#include "serve/training/training_plan.h"

namespace netflowgen::serve {

enum class TrainingState : uint8_t { kIdle, kRunning, kTaking, kTaken, kRefused, kFailed, kStopped, kCount };
// "idle", "running", "taking", "taken", "refused", "failed", "stopped".
std::string_view name_of(TrainingState state);

struct TrainingView {
  TrainingState state = TrainingState::kIdle;
  TrainingKind kind = TrainingKind::kCalibrate;
  base::TimeMs started_ms = 0;  // 0: never
  base::TimeMs ended_ms = 0;    // 0: not yet
  TrainingProgress progress;
  std::string model;              // folder that is made
  std::string message;            // what became of it
  std::deque<std::string> lines;  // the last ones that the commands wrote
};

class Trainer {
 public:
  static constexpr size_t kLines = 20;
  static constexpr size_t kLineBytes = 400;
  static constexpr int64_t kGrace_ms = 3'000;
  static constexpr std::chrono::milliseconds kTellEvery{500};
  using Changed = std::function<void(const TrainingView&)>;

  // `changed` is called on the trainer's thread and by settle().
  explicit Trainer(Changed changed) : changed_(std::move(changed)) {}
  ~Trainer();  // stops
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // False: one is running.
  bool start(TrainingKind kind, const TrainingPaths& paths, base::TimeMs now_ms);
  // False: none is running.
  bool stop();
  TrainingView view() const;

  // The folder of a model that is finished, once.
  std::optional<std::string> take_finished();
  void settle(bool taken, const std::string& message);

 private:
  void run(const std::vector<std::vector<std::string>>& plan);
  // Empty: it has succeeded.
  std::string run_command(const std::vector<std::string>& words);
  void read_lines(int fd, int pid);
  void take_line(const std::string& line);
  void end(TrainingState state, const std::string& message);
  void tell();

  Changed changed_;
  mutable std::mutex mutex_;
  TrainingView view_;
  bool reported_ = false;
  std::atomic<bool> stopping_{false};
  std::chrono::steady_clock::time_point next_tell_{};  // the thread's
  std::thread thread_;
};

// The path of this program.
base::fs::path own_program();

}  // namespace netflowgen::serve
