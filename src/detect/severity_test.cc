#include "detect/severity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "detect/band.h"

namespace netflowgen::detect {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kLevels[] = {0.1f, 0.5f, 0.9f};

float log_of(double x) { return static_cast<float>(std::log1p(x)); }

// The band of a volume whose quantiles are `low`, `middle`, `high`.
Band band(double low, double middle, double high) {
  const float direct[] = {log_of(low), log_of(middle), log_of(high)};
  const float level[] = {0};
  return band_of(direct, level, kLevels);
}

double upper(const Band& b) { return std::expm1(static_cast<double>(b.upper[0])); }

TEST(Band, ASteadyHostsTopIsTwiceAsFarInTheLogarithm) {
  const Band b = band(800, 1000, 1300);
  EXPECT_NEAR(std::expm1(static_cast<double>(b.middle[0])), 1000, 0.1);
  EXPECT_NEAR(upper(b), 1300.0 * 1301 / 1001, 1);
}

// Expected .5 bytes, nine steps of ten below 420 kB: not 122 GB.
TEST(Band, AMostlySilentHostsTopIsAFewTimesItsBursts) {
  const Band b = band(0, 0.5, 420'000);
  EXPECT_GT(upper(b), 420'000);
  EXPECT_LT(upper(b), 4.01 * 420'000);
  std::array<float, kMaxVolumes> seen;
  seen.fill(kNaN);
  seen[0] = log_of(50e6);  // a flood
  EXPECT_EQ(b.above(seen), 1u);
  seen[0] = log_of(155'000);  // one of its bursts
  EXPECT_EQ(b.above(seen), 0u);
}

TEST(Band, CrossedQuantilesAndOneAlone) {
  EXPECT_NEAR(upper(band(1300, 1000, 800)), 1300.0 * 1301 / 1001, 1);
  EXPECT_NEAR(upper(band(7, 7, 7)), 7, 1e-4);
}

std::array<float, kMaxVolumes> seen_of(double first) {
  std::array<float, kMaxVolumes> seen;
  seen.fill(kNaN);
  seen[0] = log_of(first);
  return seen;
}

TEST(Severity, TimesExpected) {
  const double usual[] = {500};
  EXPECT_NEAR(times_expected(band(800, 1000, 1300), usual, seen_of(20'000)), 20, 0.1);
  EXPECT_EQ(times_expected(band(800, 1000, 1300), usual, seen_of(1200)), 0);  // inside the band
  // A mostly silent host: its bursts are expected.
  const Band silent = band(0, 0.5, 420'000);
  EXPECT_NEAR(times_expected(silent, usual, seen_of(16.8e6)), 30, 0.5);
  // No forecast: the usual value, and nothing below twice that.
  EXPECT_NEAR(times_expected(Band::none(), usual, seen_of(5000)), 10, 1e-3);
  EXPECT_EQ(times_expected(Band::none(), usual, seen_of(900)), 0);
  EXPECT_TRUE(std::isnan(times_expected(Band::none(), {}, seen_of(900))));
}

TEST(Severity, AsRareAndAsLarge) {
  const Threshold t{5, 3, {6, 7, 8}};
  const auto name = [&](double peak, double times) {
    return std::string(name_of(severity_of(peak, t, times)));
  };
  EXPECT_EQ(name(9, 2), "low");
  EXPECT_EQ(name(9, 3), "medium");
  EXPECT_EQ(name(9, 12), "high");
  EXPECT_EQ(name(9, 40), "critical");
  EXPECT_EQ(name(7.5, 40), "high");  // large, but not so rare
  EXPECT_EQ(name(5, 40), "low");
  EXPECT_EQ(name(9, std::nan("")), "medium");  // nothing was expected yet
}

// A score that passes every threshold, and attacks of the simulator's strengths: all grades occur.
TEST(Severity, SpreadsOverTheStrengthsOfAttacks) {
  const Threshold t{5, 3, {6, 7, 8}};
  int counts[4] = {};
  for (int i = 0; i < 60; ++i) {
    const double intensity = 0.3 * std::exp(std::log(40 / 0.3) * i / 59);
    const double times = times_expected(band(800, 1000, 1300), {}, seen_of(1000 * (1 + intensity)));
    ++counts[static_cast<size_t>(severity_of(20, t, times))];
  }
  for (const int n : counts) {
    EXPECT_GE(n, 3);
    EXPECT_LE(n, 30);
  }
}

}  // namespace
}  // namespace netflowgen::detect
