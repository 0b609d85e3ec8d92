// What systemd wants to hear of a service of Type=notify (sd_notify(3)), without its library: one datagram to $NOTIFY_SOCKET.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace netflowgen::serve {

class Notify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC. Without them send() does nothing.
  Notify();

  void send(std::string_view text) const;  // "READY=1"
  void reloading() const;                  // with the monotonic time that Type=notify-reload wants
  // How often WATCHDOG=1 should be sent; 0: never.
  int64_t watchdog_ms() const { return watchdog_ms_; }

 private:
  std::string socket_;
  int64_t watchdog_ms_ = 0;
};

}  // namespace netflowgen::serve
