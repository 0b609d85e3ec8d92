// One independent producer of records: a host's own traffic, an attack, a scan.
//
// Invariants: 1. Minutes are asked for in order, each once, by one thread at a time. 2. A source draws only
// from its own random stream, so what it sends does not depend on the others. 3. Records put into `out` while
// minute m is asked for are exported in m or later.
#pragma once

#include "sim/network/exporter.h"

namespace netflowgen::sim {

class TrafficSource {
 public:
  virtual ~TrafficSource() = default;
  // `minute`: since the Unix epoch.
  virtual void generate(int64_t minute, Buckets& out) = 0;
};

}  // namespace netflowgen::sim
