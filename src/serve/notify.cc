#include "serve/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace netflowgen::serve {

Notify::Notify() {
  if (const char* path = std::getenv("NOTIFY_SOCKET")) socket_ = path;
  const char* pid = std::getenv("WATCHDOG_PID");
  const bool ours = pid == nullptr || std::strtol(pid, nullptr, 10) == ::getpid();
  if (const char* us = std::getenv("WATCHDOG_USEC"); us != nullptr && ours) {
    watchdog_ms_ = std::strtoll(us, nullptr, 10) / 1000 / 3;
  }
}

void Notify::send(std::string_view text) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  [[maybe_unused]] const auto sent =
      ::sendto(fd, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

void Notify::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void Notify::beat(std::chrono::steady_clock::time_point now) {
  if (watchdog_ms_ <= 0 || now < next_beat_) return;
  next_beat_ = now + std::chrono::milliseconds(watchdog_ms_);
  send("WATCHDOG=1");
}

}  // namespace netflowgen::serve
