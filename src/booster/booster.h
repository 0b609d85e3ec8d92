// Gradient-boosted trees (XGBoost's C library) as one value: fit on a dense matrix, predict on another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "base/tree.h"

namespace netflowgen::booster {

struct BoosterOptions {
  int rounds = 150;
  // XGBoost's own names and values, e.g. {"max_depth", "4"}.
  std::vector<std::pair<std::string, std::string>> parameters;
  // In (0, 1): fit this quantile of y (pinball loss; XGBoost 1.7 has none of its own), from y's own quantile on.
  double quantile = 0;
  int bins =
      0;  // of a column, at most; only they are kept, for matrices of gigabytes. 0: XGBoost's own, on a copy
  std::span<const float> margin = {};    // [rows] score that the trees add to; empty: XGBoost's base score
  const base::StopFlag* stop = nullptr;  // asked before every round; Stopped where it was requested
};

// A dense row-major matrix that the caller owns; NaN is missing.
struct MatrixView {
  const float* values = nullptr;
  size_t rows = 0;
  size_t columns = 0;
};

class Booster {
 public:
  // Error: XGBoost's own message. Deterministic for a seed and any number of threads.
  Booster(const MatrixView& x, std::span<const float> y, std::span<const float> weights,
          const BoosterOptions& options, uint64_t seed);
  ~Booster();
  Booster(Booster&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Booster& operator=(Booster&&) = delete;
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  std::vector<float> predict(const MatrixView& x) const;
  // The trees themselves: their outputs add up to what the score (before any link function) differs by from a constant.
  std::vector<base::Tree> trees() const;

 private:
  void boost_quantile(void* matrix, std::span<const float> y, const BoosterOptions& options);

  void* handle_ = nullptr;
};

}  // namespace netflowgen::booster
