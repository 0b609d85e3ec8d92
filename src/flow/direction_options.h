// Which flows of an exporter are taken that meters a packet where it comes in and where it goes out (IE 61 flowDirection).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace netflowgen::flow {

enum class Direction : uint8_t { kBoth, kIngress, kEgress };

struct DirectionOptions {
  Direction direction = Direction::kBoth;                       // of every exporter ...
  std::vector<std::pair<base::IpAddr, Direction>> exporters{};  // ... but these
};

}  // namespace netflowgen::flow
