#include "series/open_frames.h"

#include <limits>

namespace netflowgen::series {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

void volumes_of(const DirectionState* state, bool other_knows_bytes, bool other_knows_packets, float* to) {
  if (state == nullptr) {
    to[0] = other_knows_bytes ? 0 : kNone;
    to[1] = other_knows_packets ? 0 : kNone;
    to[2] = 0;
    return;
  }
  to[0] = (state->groups & kGroupBytes) != 0 ? static_cast<float>(state->bytes) : kNone;
  to[1] = (state->groups & kGroupPackets) != 0 ? static_cast<float>(state->packets) : kNone;
  to[2] = static_cast<float>(state->starts);
}

}  // namespace

std::vector<int64_t> OpenFrames::steps() const {
  std::vector<int64_t> steps;
  for (const auto& [step, open] : builder_.open_) {
    if (open.nodes) steps.push_back(step);
  }
  return steps;
}

const OpenStep* OpenFrames::find(int64_t step) const {
  const auto it = builder_.open_.find(step);
  return it == builder_.open_.end() ? nullptr : it->second.nodes.get();
}

void OpenFrames::each(int64_t step, const Visit& visit) const {
  const OpenStep* open = find(step);
  if (open == nullptr) return;
  Volumes volumes;
  open->each([&](const StepSlot& slot) {
    const auto state = [&](Direction d) {
      return slot.state[d] == 0 ? nullptr : &open->arena().at<DirectionState>(slot.state[d]);
    };
    const auto* in = state(kIn);
    const auto* out = state(kOut);
    const uint16_t groups =
        static_cast<uint16_t>((in != nullptr ? in->groups : 0) | (out != nullptr ? out->groups : 0));
    const bool bytes = (groups & kGroupBytes) != 0;
    const bool packets = (groups & kGroupPackets) != 0;
    volumes_of(in, bytes, packets, volumes.data());
    volumes_of(out, bytes, packets, volumes.data() + 3);
    visit(slot.node, volumes);
  });
}

bool OpenFrames::frame(int64_t step, const NodeKey& node, std::span<float> frame) const {
  const OpenStep* open = find(step);
  if (open == nullptr) return false;
  const StepSlot* slot = open->look_up(node);
  if (slot == nullptr) return false;
  const auto state = [&](Direction d) {
    return slot->state[d] == 0 ? nullptr : &open->arena().at<DirectionState>(slot->state[d]);
  };
  series::finish(state(kIn), state(kOut), open->arena(), frame);
  return true;
}

}  // namespace netflowgen::series
