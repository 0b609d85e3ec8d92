#include "series/sketch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace netflowgen::series {
namespace {

constexpr unsigned kHashBits = 32;

double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

// n * ln(n), from a table for the counts that nearly all bins have.
double n_log_n(uint32_t n) {
  static const auto kTable = [] {
    std::array<double, 1024> t{};
    for (size_t i = 1; i < t.size(); ++i) t[i] = static_cast<double>(i) * std::log(static_cast<double>(i));
    return t;
  }();
  return n < kTable.size() ? kTable[n] : n * std::log(static_cast<double>(n));
}

}  // namespace

double hll_estimate(std::span<const uint8_t> registers) {
  const auto m = static_cast<double>(registers.size());
  const unsigned q = kHashBits - static_cast<unsigned>(std::countr_zero(registers.size()));
  std::array<uint32_t, kHashBits + 2> count{};
  for (const uint8_t r : registers) ++count[r];
  double z = m * tau(1 - count[q + 1] / m);
  for (unsigned k = q; k >= 1; --k) z = 0.5 * (z + count[k]);
  z += m * sigma(count[0] / m);
  return m * m / (2 * std::numbers::ln2 * z);
}

double entropy(std::span<const uint32_t> counts) {
  double total = 0;
  double sum = 0;
  for (const uint32_t c : counts) {
    total += c;
    sum += n_log_n(c);
  }
  if (total <= 0) return 0;
  static const double kMax = std::log(static_cast<double>(kBins));
  return std::clamp((std::log(total) - sum / total) / kMax, 0.0, 1.0);
}

}  // namespace netflowgen::series
