#include "flow/decoder/sequence.h"

#include <algorithm>
#include <utility>

namespace netflowgen::flow {

void SequenceTracker::restart() {
  if (started_) ++counts_.resets;
  started_ = false;
  holes_ = {};
}

SequenceCounts SequenceTracker::take_counts() { return std::exchange(counts_, {}); }

bool SequenceTracker::near(uint32_t seq) const {
  const auto delta = static_cast<int32_t>(seq - expected_);
  return started_ && delta > -kNear && delta < kNear;
}

// Any message but the one that was expected.
bool SequenceTracker::add_other(const SequenceSpan& span) {
  const auto delta = static_cast<int32_t>(span.first - expected_);
  const bool placed = started_ && exact_ && span.first_exact;
  if (placed && delta < 0) {
    if (delta >= -kMaxLate) {
      late(span);
      return false;
    }
    restart();
  } else if (started_ && delta > kMaxGap) {
    restart();
  } else if (placed && delta > 0) {
    counts_.lost += static_cast<uint32_t>(delta);
    open_hole(expected_, static_cast<uint32_t>(delta));
  }
  started_ = true;
  late_run_ = 0;
  exact_ = span.last_exact;
  expected_ = span.first + span.count;
  counts_.received += span.count;
  return false;
}

void SequenceTracker::open_hole(uint32_t first, uint32_t size) {
  holes_[next_hole_++ % holes_.size()] = {first, size};
}

// Behind the newest: it fills a hole, or it is a second copy.
void SequenceTracker::late(const SequenceSpan& span) {
  for (auto& hole : holes_) {
    const uint32_t at = span.first - hole.first;
    if (at >= hole.size) continue;
    const uint32_t fills = std::min(span.count, hole.size - at);
    const Hole rest{span.first + fills, hole.size - at - fills};
    hole.size = at;
    if (rest.size != 0) open_hole(rest.first, rest.size);
    counts_.lost -= std::min<uint64_t>(counts_.lost, fills);
    counts_.received += span.count;
    ++counts_.reordered;
    return;
  }
  ++counts_.duplicates;
  if (++late_run_ < kLateRun) return;
  restart();  // this many in a row are no copies: the exporter counts anew
  add(span);
}

}  // namespace netflowgen::flow
