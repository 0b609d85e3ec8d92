// Tests of math.h over the vector type of the file that includes this one, which names the suite NFG_SUITE.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "simd/math.h"

namespace netflowgen::simd {
namespace {

// f of one float, in every lane.
template <typename Function>
float in_all_lanes(const Function& f, float x) {
  std::array<float, kLanes> out{};
  f(V::set(x)).store(out.data());
  for (const float y : out) EXPECT_TRUE(y == out[0] || (std::isnan(y) && std::isnan(out[0]))) << x;
  return out[0];
}

TEST(NFG_SUITE, ExpIsExactToTwoPartsInTenMillion) {
  for (float x = -86.9f; x < 87.9f; x += 0.0137f) {
    const double expected = std::exp(static_cast<double>(x));
    EXPECT_NEAR(static_cast<double>(in_all_lanes(exp_of, x)) / expected, 1.0, 2e-7) << x;
  }
  EXPECT_EQ(in_all_lanes(exp_of, 0.0f), 1.0f);
}

TEST(NFG_SUITE, ExpIsBoundedAndKeepsNaN) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(in_all_lanes(exp_of, -kInfinity), in_all_lanes(exp_of, -87.0f));
  EXPECT_EQ(in_all_lanes(exp_of, -3e38f), in_all_lanes(exp_of, -87.0f));
  EXPECT_EQ(in_all_lanes(exp_of, kInfinity), in_all_lanes(exp_of, 88.0f));
  EXPECT_TRUE(std::isfinite(in_all_lanes(exp_of, kInfinity)));
  EXPECT_TRUE(std::isnan(in_all_lanes(exp_of, std::numeric_limits<float>::quiet_NaN())));
}

TEST(NFG_SUITE, RoundIsToTheNearestEven) {
  EXPECT_EQ(in_all_lanes(V::round, 2.5f), 2.0f);
  EXPECT_EQ(in_all_lanes(V::round, 3.5f), 4.0f);
  EXPECT_EQ(in_all_lanes(V::round, -0.5f), 0.0f);
  EXPECT_EQ(in_all_lanes(V::round, -1.5f), -2.0f);
  EXPECT_EQ(in_all_lanes(V::round, 126.49f), 126.0f);
}

TEST(NFG_SUITE, SiluIsXTimesTheLogisticFunction) {
  for (float x = -30; x < 30; x += 0.37f) {
    const double expected = static_cast<double>(x) / (1 + std::exp(-static_cast<double>(x)));
    EXPECT_NEAR(static_cast<double>(in_all_lanes(silu_of, x)), expected, 4e-7 * std::abs(expected)) << x;
  }
}

TEST(NFG_SUITE, PartsReadAndWriteTheirFirstFloatsOnly) {
  for (size_t n = 0; n <= kLanes + 1; ++n) {
    std::array<float, kLanes + 1> from{};
    for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i + 1);
    const V x = load_part(from.data(), n, -5);
    std::array<float, kLanes> all{};
    x.store(all.data());
    std::array<float, kLanes> to{};
    to.fill(9);
    store_part(x, to.data(), n);
    float sum = 0;
    float largest = -9;
    for (size_t i = 0; i < kLanes; ++i) {
      EXPECT_EQ(all[i], i < n ? from[i] : -5.0f) << n;
      EXPECT_EQ(to[i], i < n ? from[i] : 9.0f) << n;
      sum += all[i];
      largest = std::max(largest, all[i]);
    }
    EXPECT_EQ(V::sum(x), sum);
    EXPECT_EQ(V::max_of(x), largest);
  }
}

}  // namespace
}  // namespace netflowgen::simd
