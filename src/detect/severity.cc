#include "detect/severity.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::detect {
namespace {

constexpr double kBandToMiddle = 3;  // the band's top is at most this many times what counts as expected
constexpr double kLeastExpected = 1;
constexpr double kAboveUsual = 2;  // without a band: what is less is no excess

double expected_of(double middle, double upper) {
  return std::max({middle, upper / kBandToMiddle, kLeastExpected});
}

}  // namespace

double times_expected(double seen, double middle, double upper) {
  return seen > upper ? seen / expected_of(middle, upper) : 0;
}

double times_expected(const Band& baseline, std::span<const double> usual,
                      const std::array<float, kMaxVolumes>& seen) {
  double most = std::nan("");
  for (size_t v = 0; v < kMaxVolumes; ++v) {
    if (std::isnan(seen[v])) continue;
    const double x = std::expm1(static_cast<double>(seen[v]));
    double times = 0;
    if (!std::isnan(baseline.middle[v])) {
      const double middle = std::expm1(static_cast<double>(baseline.middle[v]));
      const double upper = std::expm1(static_cast<double>(baseline.upper[v]));
      times = seen[v] > baseline.upper[v] ? x / expected_of(middle, upper) : 0;
    } else if (v < usual.size() && !std::isnan(usual[v])) {
      times = x / std::max(usual[v], kLeastExpected);
      if (times < kAboveUsual) times = 0;
    } else {
      continue;
    }
    most = std::isnan(most) ? times : std::max(most, times);
  }
  return most;
}

Severity severity_of(double peak, const Threshold& threshold, double times_expected) {
  int rare = 0;
  for (const float g : threshold.grades) rare += peak >= static_cast<double>(g) ? 1 : 0;
  int large = std::isnan(times_expected) ? 1 : 0;
  for (const double t : kSevereTimes) large += times_expected >= t ? 1 : 0;
  return static_cast<Severity>(std::min(rare, large));
}

}  // namespace netflowgen::detect
