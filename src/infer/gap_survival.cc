#include "infer/gap_survival.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace netflowgen::infer {

double gap_survival(const Model& model, std::span<const float> hidden, int64_t gap) {
  if (gap < 1) return 1;
  const size_t d = hidden.size();
  const auto weights = model.next_weight().last(token::kGapTokens * d);
  const auto bias = model.next_bias().last(token::kGapTokens);
  std::vector<double> p(token::kGapTokens);
  double top = -std::numeric_limits<double>::infinity();
  for (size_t k = 1; k < p.size(); ++k) {  // token 0 is of a node's first position
    p[k] = bias[k];
    for (size_t i = 0; i < d; ++i) p[k] += double{weights[k * d + i]} * double{hidden[i]};
    top = std::max(top, p[k]);
  }
  double sum = 0;
  double tail = 0;
  const size_t bucket = token::gap_token(gap);
  for (size_t k = 1; k < p.size(); ++k) {
    const double mass = std::exp(p[k] - top);
    sum += mass;
    if (k > bucket) tail += mass;
    if (k != bucket) continue;
    // The next frame comes at `gap` or later: within its bucket (low, high] gaps are taken for equally
    // likely.
    const double high = k == 1 ? 1 : std::exp2(static_cast<double>(k) - 1);
    const double low = k == 1 ? 0 : high / 2;
    const bool last = k + 1 == p.size();
    tail += last ? mass : mass * (high - static_cast<double>(gap) + 1) / (high - low);
  }
  return tail / sum;
}

}  // namespace netflowgen::infer
