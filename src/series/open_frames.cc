#include "series/open_frames.h"

#include <algorithm>
#include <limits>

namespace netflowgen::series {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

// Of a direction; `there`: it has flows. `groups` are those of both directions.
void write_volumes(bool there, const LoggedVolumes& v, uint16_t groups, float* to) {
  const uint16_t known = there ? v.groups : groups;
  to[0] = (known & kGroupBytes) != 0 ? static_cast<float>(v.bytes) : kNone;
  to[1] = (known & kGroupPackets) != 0 ? static_cast<float>(v.packets) : kNone;
  to[2] = static_cast<float>(v.starts);
}

}  // namespace

std::vector<int64_t> OpenFrames::steps() const {
  std::vector<int64_t> steps;
  for (const auto& [step, open] : builder_.open_) {
    if (open.nodes) steps.push_back(step);
  }
  return steps;
}

size_t OpenFrames::most_nodes(const SeriesBuilder& builder) {
  size_t most = 0;
  for (const auto& [step, open] : builder.open_) {
    if (open.nodes) most = std::max(most, open.nodes->nodes());
  }
  return most;
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
    const LoggedVolumes in = open->volumes(slot, kIn);
    const LoggedVolumes out = open->volumes(slot, kOut);
    const auto groups = static_cast<uint16_t>(in.groups | out.groups);
    write_volumes(slot.ref[kIn] != 0, in, groups, volumes.data());
    write_volumes(slot.ref[kOut] != 0, out, groups, volumes.data() + 3);
    visit(slot.node(), volumes);
  });
}

bool OpenFrames::frame(int64_t step, const NodeKey& node, std::span<float> frame) const {
  const OpenStep* open = find(step);
  if (open == nullptr) return false;
  const StepSlot* slot = open->look_up(node);
  if (slot == nullptr) return false;
  scratch_.arena.rewind();
  series::finish(open->view(*slot, kIn, scratch_), open->view(*slot, kOut, scratch_), frame);
  return true;
}

}  // namespace netflowgen::series
