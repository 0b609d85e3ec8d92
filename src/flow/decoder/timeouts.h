// Measures an exporter's active and inactive time-outs from its flows, because they set the delay of all that
// follows. Active: flows that last longer are cut, so durations pile up there. Inactive: a flow that nothing
// ended is exported that long after its last packet.
//
// Invariants: 1. Constant memory, a few KiB an exporter. 2. Answers only where a pile stands out of its
// surroundings.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "flow/record.h"

namespace netflowgen::flow {

class TimeoutMeter {
 public:
  // REQUIRES: flow's times are the exporter's own, and export_ms is.
  void add(const Flow& flow, TimeMs export_ms);

  std::optional<int64_t> active_ms() const;
  std::optional<int64_t> inactive_ms() const;
  uint64_t flows() const { return flows_; }
  size_t memory_bytes() const { return bins_ ? sizeof(Bins) : 0; }

 private:
  // Bins of 1 s up to 128 s, of 4 s up to 640 s, of 30 s up to 7840 s.
  static constexpr size_t kBins = 128 + 128 + 240;
  struct Bins {
    std::array<uint32_t, kBins> duration{};
    std::array<uint32_t, kBins> idle{};
  };
  static size_t bin_of(int64_t ms);
  static int64_t lower_edge_ms(size_t bin);

  std::unique_ptr<Bins> bins_;
  uint64_t flows_ = 0;
};

}  // namespace netflowgen::flow
