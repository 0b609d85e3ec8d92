#include "sim/generate/past.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::sim {
namespace {

constexpr double kConstant = 1e-6;  // a deviation below it is none

}  // namespace

void Past::add(const PastStep& step, std::span<const float> state) {
  states_.insert(states_.end(), state.begin(), state.end());
  const auto number = static_cast<uint32_t>(steps_.size());
  steps_.push_back(step);
  for (const Kind kind : {kAwake, kActive, kWaking}) {
    if (is(kind, number)) kinds_[kind].push_back(number);
  }
}

void Past::add(PastStep step, std::span<const float> state, std::span<const float> ranks, size_t row) {
  step.ranks = rows_.size();
  rows_.push_back(row);
  ranks_.insert(ranks_.end(), ranks.begin(), ranks.end());
  add(step, state);
}

void Past::learned() {
  scale_.assign(width_, 0);
  for (size_t k = 0; k < width_; ++k) {
    double sum = 0;
    double squares = 0;
    for (size_t i = k; i < states_.size(); i += width_) {
      sum += double{states_[i]};
      squares += double{states_[i]} * double{states_[i]};
    }
    const double n = std::max<double>(1, static_cast<double>(steps_.size()));
    const double deviation = std::sqrt(std::max(squares / n - sum / n * (sum / n), 0.0));
    scale_[k] = deviation > kConstant ? static_cast<float>(1 / deviation) : 0;
  }
}

double Past::distance(size_t number, std::span<const float> state) const {
  double sum = 0;
  for (size_t k = 0; k < width_; ++k) {
    const double d = double{states_[number * width_ + k] - state[k]} * double{scale_[k]};
    sum += d * d;
  }
  return sum;
}

size_t Past::closer(size_t a, size_t b, std::span<const float> state) const {
  return distance(b, state) < distance(a, state) ? b : a;
}

bool Past::is(Kind kind, size_t number) const {
  const PastStep& s = steps_[number];
  return kind == kAwake ? !s.waking : kind == kActive ? s.active() : s.waking;
}

}  // namespace netflowgen::sim
