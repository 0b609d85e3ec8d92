// Whether a host is awake: spells of activity between silences, so that most addresses are silent most of the
// time, as real ones are.
//
// A silent host wakes at a rate that follows its cycle and habits of its own, some hours of the day that it
// prefers; spells are lognormal. A host that is always awake has
// the cycle as a factor on its rate instead, and draws nothing. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.h"

namespace netflowgen::sim {

class Presence {
 public:
  // `share` of the time awake, in (0, 1]; `spell`: mean minutes of an awake spell.
  Presence(double share, double spell, base::Random random)
      : spell_(std::max(1.0, spell)),
        wake_(share < 1 ? share / ((1 - share) * spell_) : 0),
        always_(share >= 1),
        random_(random) {
    if (always_) return;
    const double sigma = random_.uniform(0, kMostHabit);
    double sum = 0;
    for (auto& h : habit_) sum += h = random_.lognormal(0, sigma);
    for (auto& h : habit_) h *= static_cast<double>(habit_.size()) / sum;
    if (random_.chance(share)) fall_asleep_in();
  }

  // The factor on the rate in the next minute: `cycle` of a host that is always awake, else 0 or 1.
  // `hour` of its day, 0 to 23.
  double next(double cycle, size_t hour) {
    if (always_) return cycle;
    if (left_ <= 0 && random_.chance(wake_ * cycle * habit_[hour])) fall_asleep_in();
    if (left_ <= 0) return 0;
    left_ -= 1;
    return 1;
  }

 private:
  static constexpr double kMostHabit = 2.5;  // sigma of the logarithm, from hour to hour

  void fall_asleep_in() { left_ = std::max(1.0, spell_ * random_.lognormal(-0.5, 1)); }

  double spell_;
  double wake_;  // probability a minute, where the cycle is 1
  bool always_;
  std::array<double, 24> habit_{};
  double left_ = 0;  // minutes
  base::Random random_;
};

}  // namespace netflowgen::sim
