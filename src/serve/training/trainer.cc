#include "serve/training/trainer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "serve/log.h"

extern char** environ;

namespace netflowgen::serve {
namespace {

constexpr std::string_view kStates[] = {"idle", "running", "taking", "taken", "refused", "failed", "stopped"};
constexpr const char* kNice = "19";
constexpr int kIoProcess = 1;              // IOPRIO_WHO_PROCESS
constexpr int kIoIdle = 3 << 13;           // IOPRIO_CLASS_IDLE
constexpr const char* kOomScore = "1000";  // the first to go where memory is short
constexpr int kPoll_ms = 200;

// Best effort: a container may allow neither.
void lower_priority(pid_t child) {
  ::syscall(SYS_ioprio_set, kIoProcess, child, kIoIdle);
  std::ofstream(fmt::format("/proc/{}/oom_score_adj", child)) << kOomScore;
}

// In a group of its own, with standard output and error to `fd`. Error: it cannot be started.
pid_t spawn(const std::vector<std::string>& command, int fd) {
  std::vector<std::string> words = {"nice", "-n", kNice};
  words.insert(words.end(), command.begin(), command.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fd, 1);
  posix_spawn_file_actions_adddup2(&actions, fd, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGHUP);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (auto& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw base::Error("{} cannot be run: {}", words.front(), std::strerror(error));
  return child;
}

}  // namespace

std::string_view name_of(TrainingState state) { return kStates[static_cast<size_t>(state)]; }

base::fs::path own_program() {
  std::error_code error;
  std::string path = base::fs::read_symlink("/proc/self/exe", error).string();
  constexpr std::string_view kDeleted = " (deleted)";  // it was replaced while this one runs
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

Trainer::~Trainer() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

bool Trainer::start(TrainingKind kind, const TrainingPaths& paths, base::TimeMs now_ms) {
  {
    const std::lock_guard lock(mutex_);
    if (view_.state == TrainingState::kRunning || view_.state == TrainingState::kTaking) return false;
    stopping_ = false;
    reported_ = false;
    view_ = {};
    view_.state = TrainingState::kRunning;
    view_.kind = kind;
    view_.started_ms = now_ms;
    view_.model = paths.out.string();
  }
  // The last one has ended, but for its last words. Without the lock, which they need.
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, plan = training_plan(kind, paths)] { run(plan); });
  return true;
}

bool Trainer::stop() {
  const std::lock_guard lock(mutex_);
  if (view_.state != TrainingState::kRunning) return false;
  stopping_ = true;
  return true;
}

TrainingView Trainer::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::optional<std::string> Trainer::take_finished() {
  const std::lock_guard lock(mutex_);
  if (view_.state != TrainingState::kTaking || reported_) return std::nullopt;
  reported_ = true;
  return view_.model;
}

void Trainer::settle(bool taken, const std::string& message) {
  end(taken ? TrainingState::kTaken : TrainingState::kRefused, message);
}

void Trainer::end(TrainingState state, const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    view_.state = state;
    view_.message = message;
    if (view_.ended_ms == 0) view_.ended_ms = now_ms();
  }
  tell();
}

void Trainer::tell() { changed_(view()); }

void Trainer::run(const std::vector<std::vector<std::string>>& plan) {
  tell();
  try {
    for (const auto& words : plan) {
      const std::string failure = run_command(words);
      if (stopping_) return end(TrainingState::kStopped, "stopped before its end; the model in force stays");
      if (!failure.empty()) return end(TrainingState::kFailed, failure);
    }
  } catch (const base::Error& e) {
    return end(TrainingState::kFailed, e.what());
  }
  end(TrainingState::kTaking, "the model is made and is being taken over");
}

std::string Trainer::run_command(const std::vector<std::string>& words) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw base::Error("a pipe cannot be made: {}", std::strerror(errno));
  pid_t child = -1;
  try {
    child = spawn(words, fds[1]);
  } catch (...) {
    ::close(fds[0]);
    ::close(fds[1]);
    throw;
  }
  ::close(fds[1]);
  lower_priority(child);
  read_lines(fds[0], child);
  ::close(fds[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  const auto lines = view().lines;
  const std::string why = lines.empty() ? "it wrote nothing" : lines.back();
  return WIFEXITED(status) ? fmt::format("{} ended with code {}: {}", words.at(1), WEXITSTATUS(status), why)
                           : fmt::format("{} was ended by signal {}: {}", words.at(1), WTERMSIG(status), why);
}

// Until the command closes its output. A stop is an interrupt, after which it saves what it has, and a kill when that takes long.
void Trainer::read_lines(int fd, int pid) {
  using Clock = std::chrono::steady_clock;
  std::string open;
  std::optional<Clock::time_point> kill_at;
  while (true) {
    if (stopping_ && !kill_at) {
      ::kill(-pid, SIGINT);
      kill_at = Clock::now() + std::chrono::milliseconds(kGrace_ms);
    }
    if (kill_at && Clock::now() >= *kill_at) ::kill(-pid, SIGKILL);
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, kPoll_ms) <= 0) continue;
    char buffer[4096];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    for (const char c : std::string_view(buffer, static_cast<size_t>(n))) {
      if (c == '\n') {
        take_line(open);
        open.clear();
      } else if (open.size() < kLineBytes) {
        open += c;
      }
    }
  }
  if (!open.empty()) take_line(open);
}

void Trainer::take_line(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    if (auto progress = parse_progress(line)) {
      view_.progress = std::move(*progress);
    } else {
      view_.lines.push_back(line);
      if (view_.lines.size() > kLines) view_.lines.pop_front();
    }
  }
  const auto now = std::chrono::steady_clock::now();
  if (now < next_tell_) return;
  next_tell_ = now + kTellEvery;
  tell();
}

}  // namespace netflowgen::serve
