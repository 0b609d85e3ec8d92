#include "detect/band.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace netflowgen::detect {
namespace {

constexpr size_t kMostQuantiles = 128;  // model/spec.cc allows 99
constexpr float kStretch = 2;
constexpr float kMostBeyond = 1.386f;  // log 4

size_t middle_of(std::span<const float> levels) {
  size_t best = 0;
  for (size_t q = 1; q < levels.size(); ++q) {
    if (std::abs(levels[q] - 0.5f) < std::abs(levels[best] - 0.5f)) best = q;
  }
  return best;
}

}  // namespace

Band band_of(std::span<const float> direct, std::span<const float> level, std::span<const float> levels) {
  Band band = Band::none();
  const size_t quantiles = levels.size();
  if (quantiles == 0 || direct.empty()) return band;
  NFG_CHECK(quantiles <= kMostQuantiles && direct.size() >= level.size() * quantiles);
  const size_t middle = middle_of(levels);
  float sorted[kMostQuantiles];
  for (size_t v = 0; v < std::min<size_t>(level.size(), kMaxVolumes); ++v) {
    if (std::isnan(level[v])) continue;
    std::copy_n(direct.data() + v * quantiles, quantiles, sorted);
    std::sort(sorted, sorted + quantiles);  // quantile heads may cross
    const float top = sorted[quantiles - 1];
    const float beyond = std::min((kStretch - 1) * (top - sorted[middle]), kMostBeyond);
    band.middle[v] = std::max(0.0f, sorted[middle] + level[v]);
    band.upper[v] = std::max(0.0f, top + level[v] + beyond);
  }
  return band;
}

std::array<float, kMaxVolumes> volumes_of(const token::Encoder& encoder, std::span<const float> frame) {
  std::array<float, kMaxVolumes> seen;
  seen.fill(std::numeric_limits<float>::quiet_NaN());
  for (size_t v = 0; v < std::min<size_t>(encoder.volumes(), kMaxVolumes); ++v) {
    const float x = frame[static_cast<size_t>(encoder.volume_feature(v))];
    if (!std::isnan(x)) seen[v] = std::log1p(std::clamp(x, 0.0f, 1e30f));
  }
  return seen;
}

}  // namespace netflowgen::detect
