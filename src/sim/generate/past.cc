#include "sim/generate/past.h"

namespace netflowgen::sim {

void Past::add(const PastStep& step) {
  const auto number = static_cast<uint32_t>(steps_.size());
  steps_.push_back(step);
  for (const Kind kind : {kAwake, kActive, kWaking}) {
    if (is(kind, number)) kinds_[kind].push_back(number);
  }
}

void Past::add(PastStep step, std::span<const float> ranks, size_t row) {
  step.ranks = rows_.size();
  rows_.push_back(row);
  ranks_.insert(ranks_.end(), ranks.begin(), ranks.end());
  add(step);
}

bool Past::is(Kind kind, size_t number) const {
  const PastStep& s = steps_[number];
  return kind == kAwake ? !s.waking : kind == kActive ? s.active() : s.waking;
}

}  // namespace netflowgen::sim
