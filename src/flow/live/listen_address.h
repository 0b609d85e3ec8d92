// Where flow packets are received. Apart from the socket itself, so that options need not know sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"

namespace netflowgen::flow {

struct ListenAddress {
  base::IpAddr address;  // all zero: every address, both families
  bool any_v4 = false;   // 0.0.0.0: every IPv4 address only
  uint16_t port = 0;     // 0: the system chooses
  std::string text;      // as the user wrote it

  // "udp://[::]:2055", "udp://192.0.2.1:2055", "udp://*:2055"; nullopt when it is none of these.
  static std::optional<ListenAddress> parse(std::string_view text);
};

}  // namespace netflowgen::flow
