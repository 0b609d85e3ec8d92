// What benchmarks and tests against other collectors need: starting one, and sending it flow datagrams over
// loopback at a bounded rate. Nothing here sends anywhere else.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/wire.h"

namespace netflowgen::bench {

// The place of a program in PATH; empty: nowhere.
inline std::string find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, end)) + "/" + std::string(name);
    if (access(file.c_str(), X_OK) == 0) return file;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

// A child process, its output thrown away or into a file. Stopped and waited for at the latest when it is destroyed.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command, const std::string& output = "/dev/null") {
    std::vector<char*> arguments;
    for (const auto& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw base::Error("fork: {}", std::strerror(errno));
    if (pid_ != 0) return;
    const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Child() {
    if (pid_ > 0) finish(SIGKILL);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Of all its threads so far; while it runs.
  double cpu_seconds_now() const {
    clockid_t clock;
    timespec t{};
    if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
  double cpu_seconds() const { return cpu_seconds_; }  // of the whole run, once it has ended
  double peak_mib() const { return peak_mib_; }        // resident, ditto

  // Sends the signal (0: none) and waits for the end. Returns the exit status, 128 + signal if killed.
  int finish(int signal) {
    if (signal != 0) kill(pid_, signal);
    int status = 0;
    rusage used{};
    while (wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    cpu_seconds_ = seconds(used.ru_utime) + seconds(used.ru_stime);
    peak_mib_ = static_cast<double>(used.ru_maxrss) / 1024;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  double cpu_seconds_ = 0;
  double peak_mib_ = 0;
};

// A UDP port that is free on loopback now.
inline uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool ok = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!ok) throw base::Error("no free UDP port on loopback: {}", std::strerror(errno));
  return ntohs(address.sin_port);
}

// Waits until some program has that port. False: none did within 10 s.
inline bool wait_for_listener(uint16_t port) {
  for (int i = 0; i < 500; ++i) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool taken = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0;
    close(fd);
    if (taken) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

class LoopbackSender {
 public:
  explicit LoopbackSender(uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw base::Error("cannot send to port {} of loopback: {}", port, std::strerror(errno));
    }
  }
  ~LoopbackSender() { close(fd_); }
  LoopbackSender(const LoopbackSender&) = delete;
  LoopbackSender& operator=(const LoopbackSender&) = delete;

  static constexpr size_t kBatch = 32;  // datagrams a system call

  // REQUIRES: at most kBatch of them. False: no program listens.
  bool send(std::span<const std::string> datagrams) {
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> messages{};
    for (size_t i = 0; i < datagrams.size(); ++i) {
      parts[i] = {const_cast<char*>(datagrams[i].data()), datagrams[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (size_t done = 0; done < datagrams.size();) {
      const int n = sendmmsg(fd_, &messages[done], static_cast<unsigned>(datagrams.size() - done), 0);
      if (n >= 0) {
        done += static_cast<size_t>(n);
      } else if (errno == ECONNREFUSED) {
        return false;
      } else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
        throw base::Error("cannot send over loopback: {}", std::strerror(errno));
      }
    }
    return true;
  }

 private:
  int fd_;
};

struct LoadOptions {
  Wire wire = Wire::kV9;
  uint64_t flows = 1'000'000;
  double flows_per_second = 100'000;
  uint32_t hosts = 100'000;
  size_t pool_flows = size_t{1} << 19;  // made before and cycled; 0: every flow is a new one
};

struct Sent {
  uint64_t flows = 0;
  uint64_t datagrams = 0;
  uint64_t packets = 0;  // sums over the flows
  uint64_t bytes = 0;
  double seconds = 0;
};

inline base::TimeMs wall_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Flows without end: `pool` of them over and over, or always new ones.
class FlowStream {
 public:
  FlowStream(uint32_t hosts, size_t pool) : traffic_(hosts), pool_(pool) {
    for (auto& f : pool_) f = traffic_.next();
  }
  WireFlow next() {
    if (pool_.empty()) return traffic_.next();
    if (at_ == pool_.size()) at_ = 0;
    return pool_[at_++];
  }

 private:
  Traffic traffic_;
  std::vector<WireFlow> pool_;
  size_t at_ = 0;
};

// Sends that many flows at that rate, templates every 2 s. `each` sees every datagram with its time.
template <typename Each>
Sent send_load(uint16_t port, const LoadOptions& o, Each each) {
  FlowStream stream(o.hosts, o.pool_flows);
  LoopbackSender sender(port);
  Exporter exporter(o.wire);
  std::vector<WireFlow> flows(exporter.flows_per_datagram());
  std::vector<std::string> datagrams(LoopbackSender::kBatch);
  Sent sent;
  base::TimeMs templates_at = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  while (sent.flows < o.flows) {
    const auto due = std::min(o.flows, static_cast<uint64_t>(elapsed() * o.flows_per_second));
    const base::TimeMs now = wall_clock_ms();
    size_t n = 0;
    for (; n < datagrams.size() && sent.flows < due; ++n) {
      for (auto& f : flows) {
        f = stream.next();
        sent.packets += f.packets;
        sent.bytes += f.bytes;
      }
      const bool templates = now >= templates_at;
      if (templates) templates_at = now + 2000;
      datagrams[n] = exporter.encode(flows, now, templates);
      sent.flows += flows.size();
    }
    if (n == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    if (!sender.send({datagrams.data(), n})) throw base::Error("no program listens on port {}", port);
    for (size_t i = 0; i < n; ++i) each(std::string_view(datagrams[i]), now);
    sent.datagrams += n;
  }
  sent.seconds = elapsed();
  return sent;
}

}  // namespace netflowgen::bench
