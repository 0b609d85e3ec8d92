// Windows of one network's table, some with an injected flood. Private to this folder.
#pragma once

#include <span>
#include <vector>

#include "learn/network/window_source.h"

namespace netflowgen::learn {

// Draws windows: nodes with probability proportional to the square root of their positions, so that a busy
// node does not drown the quiet ones nor the other way round. Plain state: the Random is the data cursor.
class WindowSampler final : public WindowSource {
 public:
  WindowSampler(const Positions& positions, size_t length, double inject_chance);
  std::vector<WindowPlan> plan(base::Random& random, size_t windows) const override;
  // Encodes them, with targets. Thread-safe.
  void fill(std::span<const WindowPlan> plans, WindowBatch& batch) const;
  void fill_one(const WindowPlan& plan, size_t b, WindowBatch& batch) const override;
  // Plans and fills.
  void draw(base::Random& random, size_t windows, WindowBatch& batch) const;
  size_t length() const override { return length_; }

 private:
  Flood draw_flood(base::Random& random, size_t i, size_t at) const;

  const Positions* positions_;
  size_t length_;
  double inject_chance_;
  std::vector<double> cumulative_;
};

}  // namespace netflowgen::learn
