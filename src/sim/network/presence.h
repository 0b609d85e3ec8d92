// Whether a host is awake: spells of activity between silences, so that most addresses are silent most of the
// time, as real ones are.
//
// A silent host wakes at a rate that follows its cycle; spells are lognormal. A host that is always awake has
// the cycle as a factor on its rate instead, and draws nothing. One thread.
#pragma once

#include <algorithm>

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
    if (!always_ && random_.chance(share)) fall_asleep_in();
  }

  // The factor on the rate in the next minute: `cycle` of a host that is always awake, else 0 or 1.
  double next(double cycle) {
    if (always_) return cycle;
    if (left_ <= 0 && random_.chance(wake_ * cycle)) fall_asleep_in();
    if (left_ <= 0) return 0;
    left_ -= 1;
    return 1;
  }

 private:
  void fall_asleep_in() { left_ = std::max(1.0, spell_ * random_.lognormal(-0.5, 1)); }

  double spell_;
  double wake_;  // probability a minute, where the cycle is 1
  bool always_;
  double left_ = 0;  // minutes
  base::Random random_;
};

}  // namespace netflowgen::sim
