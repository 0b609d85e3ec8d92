#include "flow/decoder/sequence.h"

#include <algorithm>

namespace netflowgen::flow {

void SequenceTracker::restart() {
  if (started_) ++resets_;
  started_ = false;
  holes_ = {};
}

bool SequenceTracker::near(uint32_t seq) const {
  const auto delta = static_cast<int32_t>(seq - expected_);
  return started_ && delta > -kNear && delta < kNear;
}

void SequenceTracker::add(uint32_t seq, uint32_t count, bool exact) {
  const auto delta = static_cast<int32_t>(seq - expected_);
  if (started_ && delta < 0 && exact_) {
    if (delta >= -kMaxLate) return late(seq, count);
    restart();
  } else if (started_ && delta > kMaxGap) {
    restart();
  } else if (started_ && delta > 0 && exact_) {
    lost_ += static_cast<uint32_t>(delta);
    open_hole(expected_, static_cast<uint32_t>(delta));
  }
  started_ = true;
  late_run_ = 0;
  exact_ = exact;
  expected_ = seq + count;
  received_ += count;
}

void SequenceTracker::open_hole(uint32_t first, uint32_t size) {
  holes_[next_hole_++ % holes_.size()] = {first, size};
}

// Behind the newest: it fills a hole, or it is a second copy.
void SequenceTracker::late(uint32_t seq, uint32_t count) {
  for (auto& hole : holes_) {
    const uint32_t at = seq - hole.first;
    if (at >= hole.size) continue;
    const uint32_t fills = std::min(count, hole.size - at);
    const Hole rest{seq + fills, hole.size - at - fills};
    hole.size = at;
    if (rest.size != 0) open_hole(rest.first, rest.size);
    lost_ -= std::min<uint64_t>(lost_, fills);
    received_ += count;
    ++reordered_;
    return;
  }
  ++duplicates_;
  if (++late_run_ < kLateRun) return;
  restart();  // so many in a row are no copies: the exporter counts anew
  add(seq, count);
}

}  // namespace netflowgen::flow
