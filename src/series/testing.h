// Random flows for tests and benchmarks of this folder.
#pragma once

#include <cmath>

#include "base/random.h"
#include "flow/record.h"

namespace netflowgen::series {

// Makes flows of one population: how many peers and ports it has is drawn once, from few to many.
struct FlowMaker {
  explicit FlowMaker(base::Random& random)
      : peers(1 + static_cast<uint64_t>(std::exp(random.uniform(0, 8)))),
        ports(1 + static_cast<uint64_t>(std::exp(random.uniform(0, 10)))),
        services(1 + random.below(20)) {}

  flow::Flow make(base::Random& random) const {
    flow::Flow f;
    f.start_ms = base::TimeMs{1'700'000'000'000} + static_cast<int64_t>(random.below(50000));
    f.end_ms = f.start_ms + static_cast<int64_t>(random.below(9000));
    f.src = base::IpAddr::v4(0x0a000000u + static_cast<uint32_t>(random.below(peers)));
    f.dst = base::IpAddr::v4(0xc0000200u + static_cast<uint32_t>(random.below(peers)));
    f.bytes = static_cast<uint64_t>(random.pareto(40, 1.2));
    f.packets = 1 + f.bytes / 1000;
    f.sampling = random.chance(0.1) ? 100 : 1;
    f.src_port = static_cast<uint16_t>(random.below(ports));
    f.dst_port = static_cast<uint16_t>(random.below(services) * 37);
    if (random.chance(0.05)) f.src_port = f.dst_port = 0;
    const uint8_t protocols[] = {6, 6, 6, 17, 17, 1, 58, 47};
    f.protocol = protocols[random.below(8)];
    f.tcp_flags = static_cast<uint8_t>(random.below(64));
    f.fragment = random.chance(0.02) ? 1 : 0;
    f.known = flow::kKnownAddresses | flow::kKnownBytes | flow::kKnownPackets | flow::kKnownPorts |
              flow::kKnownProtocol | flow::kKnownTcpFlags | flow::kKnownDuration | flow::kKnownFragment;
    if (!known_always && random.chance(0.1))
      f.known &= static_cast<uint32_t>(random.next()) | flow::kKnownAddresses;
    if (random.chance(0.1)) f.flows = static_cast<uint32_t>(random.below(20));
    return f;
  }

  uint64_t peers;
  uint64_t ports;
  uint64_t services;
  bool known_always = false;  // else a tenth of the flows lack some groups
};

}  // namespace netflowgen::series
