// Looks at the open steps between two closings: what is above its forecast already is scored at once, so that a strong flood
// is alerted in seconds and not at the end of its step. (Half of real attacks last less than half a minute.)
//
// One thread, the collector's. Invariants: 1. The engine's state, the open steps and all later scores stay as they are, to the
// bit. 2. A call costs a look at every open node's volumes, and kMost scorings at most; those furthest above their bands first.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "detect/streaming_detector.h"
#include "series/builder.h"
#include "series/open_frames.h"

namespace netflowgen::serve {

class EarlyWatch {
 public:
  static constexpr size_t kMost = 256;

  // Raises what is found through the stream's sink. Returns how many nodes were scored.
  size_t examine(const series::SeriesBuilder& builder, detect::StreamingDetector& stream,
                 base::TimeMs now_ms);

 private:
  struct KeyHash {
    size_t operator()(const series::NodeKey& node) const { return series::HashSeed().hash(node); }
  };
  uint64_t key_of(const series::NodeKey& node);
  std::vector<series::NodeKey> candidates(const series::OpenFrames& open, std::span<const int64_t> steps,
                                          detect::StreamingDetector& stream,
                                          std::vector<detect::OpenNode>& around);

  boost::unordered_flat_map<series::NodeKey, uint64_t, KeyHash>
      keys_;  // -> infer::node_key, which takes a name
};

}  // namespace netflowgen::serve
