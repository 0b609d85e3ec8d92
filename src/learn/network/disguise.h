// Windows of a network whose truth is known, changed so that nothing but the traffic tells what happens: the time of day is another,
// and a part of the features is hidden, as from a source that does not give them. Without it a model remembers the attacks of the
// networks that it learns from. Private to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "learn/network/windows.h"

namespace netflowgen::learn {

class Disguise {
 public:
  // The encoder must outlive it.
  explicit Disguise(const token::Encoder& encoder);

  // Window `b`, which is filled, with its targets. `share`: of windows whose features are hidden. The same seed changes it alike.
  // A hidden feature is neither an input nor a target.
  void apply(uint64_t seed, double share, size_t b, WindowBatch& batch) const;

 private:
  struct Feature {
    std::vector<size_t> dense;   // columns
    std::vector<size_t> slots;   // of tokens
    std::vector<size_t> levels;  // channels that are predicted
    std::vector<size_t> volumes;
  };

  std::vector<bool> draw_hidden(base::Random& random) const;  // [kFeatureCount]
  void hide(size_t feature, size_t b, WindowBatch& batch) const;
  void move_clock(size_t slots, size_t b, WindowBatch& batch) const;

  const token::Encoder& encoder_;
  std::vector<Feature> features_;  // [kFeatureCount]
};

}  // namespace netflowgen::learn
