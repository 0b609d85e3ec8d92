#include "detect/usual_vectors.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/nan.h"
#include "base/random.h"

namespace netflowgen::detect {
namespace {

// Two correlated coordinates: b is a and a little, times `scale`.
std::array<float, 2> correlated(base::Random& random, float scale = 1) {
  const auto a = static_cast<float>(random.normal());
  return {a * scale, (a + .1f * static_cast<float>(random.normal())) * scale};
}

UsualVectors learnt(size_t count, float scale = 1) {
  base::Random random(7);
  UsualVectors usual(2);
  for (size_t i = 0; i < count; ++i) usual.add(correlated(random, scale));
  return usual;
}

TEST(UsualVectors, KnowsNothingBeforeTheFirstFit) {
  const std::array x = {1.0f, 1.0f};
  EXPECT_TRUE(std::isnan(learnt(UsualVectors::kRefit - 1).distance(x)));
  EXPECT_FALSE(std::isnan(learnt(UsualVectors::kRefit).distance(x)));
}

TEST(UsualVectors, IsTheMahalanobisDistance) {
  const auto usual = learnt(10 * UsualVectors::kRefit);
  // Along the correlation (2, 2) is two deviations; across it (2, -2) is far.
  const float along = usual.distance(std::array{2.0f, 2.0f});
  const float across = usual.distance(std::array{2.0f, -2.0f});
  EXPECT_NEAR(along, 2, .6);
  EXPECT_GT(across, 200);
}

TEST(UsualVectors, DoesNotDependOnTheUnit) {
  const float one = learnt(512).distance(std::array{2.0f, 1.0f});
  const float large = learnt(512, 1e6f).distance(std::array{2e6f, 1e6f});
  EXPECT_NEAR(large / one, 1, .01);
}

TEST(UsualVectors, WhatNeverChangedIsBoundedAndMissingIsUsual) {
  UsualVectors usual(2);
  for (size_t i = 0; i < 256; ++i) usual.add(std::array{5.0f, base::kNaN});
  EXPECT_NEAR(usual.distance(std::array{5.0f, base::kNaN}), 0, 1e-6);
  EXPECT_EQ(usual.distance(std::array{6.0f, base::kNaN}), UsualVectors::kFarthest);
}

TEST(UsualVectors, ABlockInProgressDoesNotCountAndOlderOnesFade) {
  auto usual = learnt(1024);
  usual.end_block();
  const std::array far = {8.0f, 8.0f};
  const float before = usual.distance(far);
  base::Random random(9);
  for (size_t i = 0; i < 1024; ++i) {
    auto x = correlated(random);
    for (float& v : x) v += 8;
    usual.add(x);
  }
  EXPECT_EQ(usual.distance(far), before);  // still far, however long it lasts
  usual.end_block();
  EXPECT_LT(usual.distance(far), before / 10);
}

TEST(UsualVectors, AShortBlockGoesOn) {
  auto usual = learnt(UsualVectors::kRefit);
  usual.end_block();
  const size_t all = usual.learnt();
  usual.add(std::array{0.0f, 0.0f});
  usual.end_block();
  EXPECT_EQ(usual.learnt(), all + 1);
}

}  // namespace
}  // namespace netflowgen::detect
