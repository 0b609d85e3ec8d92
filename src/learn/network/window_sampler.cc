#include "learn/network/window_sampler.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace netflowgen::learn {

WindowSampler::WindowSampler(const Positions& positions, size_t length, double inject_chance)
    : positions_(&positions), length_(length), inject_chance_(inject_chance) {
  double sum = 0;
  for (size_t i = 0; i < positions.nodes(); ++i) {
    if (positions.count(i) >= 2) sum += std::sqrt(static_cast<double>(positions.count(i)));
    cumulative_.push_back(sum);
  }
  if (sum <= 0) {
    throw base::Error(
        "nothing to train on: no node has two steps in the training period (see `netflowgen inspect`)");
  }
}

// Its size is relative to the node's level of flows_in, where the model has it, else of its first volume.
Flood WindowSampler::draw_flood(base::Random& random, size_t i, size_t at) const {
  const token::NodeState s = positions_->state_before(i, at);
  size_t volume = 0;
  for (size_t v = 0; v < positions_->encoder().volumes(); ++v) {
    if (positions_->encoder().volume_feature(v) == series::kFlowsIn) volume = v;
  }
  return random_flood(random, positions_->step(i, at), static_cast<int>(length_) / 4,
                      std::max(1.0f, std::expm1(s.level[volume])));
}

std::vector<WindowPlan> WindowSampler::plan(base::Random& random, size_t windows) const {
  std::vector<WindowPlan> plans(windows);
  for (WindowPlan& w : plans) {
    const double x = random.uniform() * cumulative_.back();
    const auto it = std::upper_bound(cumulative_.begin(), cumulative_.end(), x);
    w.node = static_cast<size_t>(std::min<std::ptrdiff_t>(
        it - cumulative_.begin(), static_cast<std::ptrdiff_t>(cumulative_.size()) - 1));
    const size_t n = positions_->count(w.node);
    // Up to a quarter of a window may hang over the node's end, so that its last positions are drawn as
    // often.
    const size_t starts = n > length_ * 3 / 4 ? n - length_ * 3 / 4 : 1;
    w.first = random.below(starts);
    w.inject = random.chance(inject_chance_);
    if (!w.inject) continue;
    const size_t span = std::min(length_, n - w.first);
    w.flood = draw_flood(random, w.node, w.first + random.below(span));
  }
  return plans;
}

void WindowSampler::fill(std::span<const WindowPlan> plans, WindowBatch& batch) const {
  batch.resize(plans.size(), length_, positions_->encoder());
  for (size_t b = 0; b < plans.size(); ++b) fill_one(plans[b], b, batch);
}

void WindowSampler::fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const {
  fill_window(*positions_, plan.node, plan.first, plan.inject ? &plan.flood : nullptr, true, b, batch);
}

void WindowSampler::draw(base::Random& random, size_t windows, WindowBatch& batch) const {
  fill(plan(random, windows), batch);
}

}  // namespace netflowgen::learn
