// SeriesBuilder: a batch of updates into the tables of nodes, and the frames of a step out of them.
#include <algorithm>

#include "series/builder.h"

namespace netflowgen::series {

// Random access to hundreds of megabytes: each pass asks for what the next one touches, so that the misses of
// a batch overlap instead of adding up (bench/series shows it).
void SeriesBuilder::apply() {
  const OpenStep* roomy = nullptr;
  for (auto& u : updates_) {
    if (u.step != roomy) u.step->make_room(updates_.size());
    roomy = u.step;
  }
  for (auto& u : updates_) {
    u.slot = &u.step->slot(u.node, u.hash);
    u.step->prefetch_log(*u.slot, u.direction);
  }
  for (const auto& u : updates_) {
    if (!u.fits) {
      u.step->add(*u.slot, u.direction, parts_[u.part], u.end);
    } else if (u.step->append(*u.slot, u.direction, u.logged)) {
      full_.push_back(&u);  // parts of the same node may still follow in this batch
    }
  }
  trim_full();
  updates_.clear();
  parts_.clear();
}

// The logs' lines lie apart: all of them are followed a line at a time.
void SeriesBuilder::trim_full() {
  if (full_.empty()) return;
  for (unsigned line = 1; line <= kMostLogged / LogLine::kParts; ++line) {
    for (const auto* u : full_) u->step->prefetch_behind(*u->slot, u->direction, line);
  }
  for (const auto* u : full_) u->step->trim(*u->slot, u->direction);
  full_.clear();
}

// Logs become states once, for the tap and for the frame.
void SeriesBuilder::finish_node(const OpenStep& step, int64_t number, const StepSlot& slot,
                                std::span<float> frame) {
  if (!node_tap_) return step.finish(slot, scratch_, frame);
  scratch_.arena.rewind();
  const StateView in = step.view(slot, kIn, scratch_);
  const StateView out = step.view(slot, kOut, scratch_);
  node_tap_(number, slot, in, out);
  if (sums_alone_) return step.finish(slot, scratch_, frame);
  series::finish(in, out, frame);
}

void SeriesBuilder::emit_frames(OpenStep& step, int64_t number) {
  auto slots = step.sorted();
  frames_.enter(slots.size());
  float frame[kFeatureCount];
  for (size_t i = 0; i < slots.size(); ++i) {
    constexpr size_t kAhead = 8;  // slots; their logs are followed a line every second slot
    if (sums_alone_) step.prefetch_sums(slots[std::min(i + 2 * kAhead, slots.size() - 1)]);
    for (unsigned line = 0; !sums_alone_ && line < kAhead / 2; ++line) {
      const StepSlot& ahead = slots[std::min(i + kAhead - 2 * line, slots.size() - 1)];
      step.prefetch_behind(ahead, kIn, line);
      step.prefetch_behind(ahead, kOut, line);
    }
    step.settle(slots[i], kIn);
    step.settle(slots[i], kOut);
    finish_node(step, number, slots[i], frame);
    options_.features.leave_out_others(frame);
    sink_.frame(slots[i].node(), number, frame);
    frames_.emit();
  }
}

}  // namespace netflowgen::series
