#include "sim/traffic/visits.h"

#include <cmath>

namespace netflowgen::sim {
namespace {

constexpr double kMostConversations = 3'000;   // of a visit
constexpr double kLongest = 12 * 3'600'000.0;  // ms
constexpr double kGapSpread = 1.2;             // sigma of the logarithm of the gap, from visit to visit
constexpr double kJitter = 0.02;               // of a program's interval
constexpr size_t kStrata = 512;
constexpr uint64_t kFew = 8;  // conversations whose gaps are drawn one by one

// Conversations until one leaves a record, that one included.
uint64_t until_seen(Random& random, double seen) {
  if (seen >= 1) return 1;
  const double n = std::ceil(std::log(1 - random.uniform()) / std::log1p(-seen));
  return static_cast<uint64_t>(std::clamp(n, 1.0, 1e9));
}

}  // namespace

Visits::Visits(const RoleSpec& role, Random random)
    : size_{role.visit, role.visit_spread, 0, 0, kMostConversations},
      gap_ms_(static_cast<double>(role.visit_gap.ms)),
      regular_(role.regular),
      random_(random) {
  if (role.visit <= 1) return;
  mean_ = 0;
  for (size_t i = 0; i < kStrata; ++i)
    mean_ += std::max(1.0, std::round(size_.quantile((static_cast<double>(i) + 0.5) / kStrata))) / kStrata;
}

void Visits::start(size_t spec, double seen, double at_ms, const Peer& peer) {
  const double gap = gap_ms_ * random_.lognormal(0, kGapSpread);
  const double drawn = std::round(size_.median * random_.lognormal(0, size_.sigma));
  const double most = std::min(kMostConversations, 1 + std::floor(kLongest / gap));
  const auto size = static_cast<uint64_t>(std::clamp(drawn, 1.0, most));
  Visit v{spec, peer, at_ms, gap, seen, size, random_.chance(regular_)};
  pass(v, until_seen(random_, seen) - 1);
  if (v.left > 0) visits_.push_back(v);
}

void Visits::go_on(Visit& v) { pass(v, until_seen(random_, v.seen)); }

void Visits::pass(Visit& v, uint64_t some) {
  if (some >= v.left) {
    v.left = 0;
    return;
  }
  v.left -= some;
  if (v.regular) {
    v.next_ms += v.gap_ms * std::max(0.0, static_cast<double>(some) + kJitter * random_.normal());
  } else if (some <= kFew) {
    for (uint64_t i = 0; i < some; ++i) v.next_ms -= v.gap_ms * std::log(1 - random_.uniform());
  } else {
    const auto n = static_cast<double>(some);
    v.next_ms += v.gap_ms * std::max(0.0, n + std::sqrt(n) * random_.normal());
  }
}

}  // namespace netflowgen::sim
