#include "serve/outputs/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "base/error.h"

extern char** environ;

namespace netflowgen::serve {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kMostOutput = 4096;

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) throw base::Error("a pipe cannot be made: {}", std::strerror(errno));
    read = fds[0];
    write = fds[1];
  }
  ~Pipe() {
    close(read);
    close(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  static void close(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

// A program that does not read its input must not end this one: the signal of a broken pipe is held back in this thread, and
// taken away where it came.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipe() {
    const timespec now{};
    while (::sigtimedwait(&pipe_, nullptr, &now) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
};

pid_t spawn(const std::vector<std::string>& words, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write, 1);
  posix_spawn_file_actions_adddup2(&actions, out.write, 2);
  // Sockets of the service above all: a program that outlives it would keep its ports taken.
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  // Its own group, so that what it starts is ended with it; the signals that this program ignores are its own again.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const auto& w : words) arguments.push_back(const_cast<char*>(w.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw base::Error("{} cannot be run: {}", words.front(), std::strerror(error));
  return child;
}

// Feeds input and takes output until both are closed or the time is up.
bool exchange(Pipe& in, Pipe& out, const std::string& input, Clock::time_point until, std::string& output) {
  size_t written = 0;
  if (input.empty()) Pipe::close(in.write);
  while (out.read >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd fds[2] = {{out.read, POLLIN, 0}, {in.write, POLLOUT, 0}};
    if (::poll(fds, in.write >= 0 ? 2 : 1, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (in.write >= 0 && (fds[1].revents & (POLLOUT | POLLERR)) != 0) {
      const ssize_t n = ::write(in.write, input.data() + written, input.size() - written);
      if (n > 0) written += static_cast<size_t>(n);
      if ((n < 0 && errno != EAGAIN) || written == input.size()) Pipe::close(in.write);
    }
    if ((fds[0].revents & (POLLIN | POLLHUP)) != 0) {
      char buffer[4096];
      const ssize_t n = ::read(out.read, buffer, sizeof buffer);
      if (n <= 0) {
        Pipe::close(out.read);
      } else if (output.size() < kMostOutput) {
        output.append(buffer, std::min(static_cast<size_t>(n), kMostOutput - output.size()));
      }
    }
  }
  return true;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& words, const std::string& input,
                          int64_t timeout_ms) {
  if (words.empty()) throw base::Error("a command without a program");
  const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
  Pipe in;
  Pipe out;
  const pid_t child = spawn(words, in, out);
  Pipe::close(in.read);
  Pipe::close(out.write);
  ::fcntl(in.write, F_SETFL, O_NONBLOCK);
  const NoBrokenPipe held_back;
  ProcessResult result;
  result.timed_out = !exchange(in, out, input, until, result.output);
  int status = 0;
  while (true) {  // output may be closed before it ends
    if (result.timed_out) ::kill(-child, SIGKILL);
    const pid_t done = ::waitpid(child, &status, result.timed_out ? 0 : WNOHANG);
    if (done == child || (done < 0 && errno != EINTR)) break;
    if (done == 0 && Clock::now() >= until) result.timed_out = true;
    if (done == 0) ::usleep(2000);
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  bool inside = false;
  bool open = false;
  for (const char c : command) {
    if (c == '\'') {
      inside = !inside;
      if (!open) words.emplace_back();
      open = true;
    } else if (c == ' ' && !inside) {
      open = false;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back() += c;
    }
  }
  return words;
}

}  // namespace netflowgen::serve
