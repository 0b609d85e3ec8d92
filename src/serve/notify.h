// What systemd wants to hear of a service of Type=notify (sd_notify(3)), without its library: one datagram to $NOTIFY_SOCKET.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace netflowgen::serve {

class Notify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC. Without them nothing is sent.
  Notify();

  void send(std::string_view text) const;  // "READY=1"
  void reloading() const;                  // with the monotonic time that Type=notify-reload wants
  // WATCHDOG=1, as often as systemd wants it. Call it more often.
  void beat(std::chrono::steady_clock::time_point now);

 private:
  std::string socket_;
  int64_t watchdog_ms_ = 0;  // between two of them; 0: never
  std::chrono::steady_clock::time_point next_beat_{};
};

}  // namespace netflowgen::serve
