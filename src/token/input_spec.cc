#include <algorithm>

#include "base/time.h"
#include "token/encoder.h"

namespace netflowgen::token {

using base::kDayMs;

size_t InputSpec::reference_scale() const {
  size_t best = 0;
  for (size_t k = 1; k < scales.size(); ++k) {
    if (scales[k] * (universal ? 1000 : step_ms) <= kDayMs) best = k;
  }
  return best;
}

std::vector<int> InputSpec::scale_steps() const {
  std::vector<int> steps = scales;
  if (!universal) return steps;
  for (int& x : steps) x = static_cast<int>(std::max<int64_t>(1, x * int64_t{1000} / step_ms));
  return steps;
}

}  // namespace netflowgen::token
