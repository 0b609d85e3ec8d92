// How flows are metered from the packets of a capture (docs/collector.md, Captures of ordinary traffic).
#pragma once

#include <cstddef>
#include <cstdint>

namespace netflowgen::flow {

enum class MeterMode : uint8_t {
  kAuto,  // where a capture shows no flow export
  kOn,    // every packet, those of flow export too
  kOff,   // never
};

struct MeterOptions {
  MeterMode mode = MeterMode::kAuto;
  int64_t active_ms = 300'000;         // a flow that continues is exported and started anew after this time
  int64_t inactive_ms = 60'000;        // a flow without a packet for this time has ended
  size_t max_flows = size_t{1} << 19;  // open at once; beyond, the one idle for longest is exported early
};

}  // namespace netflowgen::flow
