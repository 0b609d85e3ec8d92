#include "booster/booster.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace netflowgen::booster {
namespace {

struct Data {
  std::vector<float> x, y;
  MatrixView view() const { return {x.data(), y.size(), 3}; }
};

Data make_data() {
  base::Random random(7);
  Data d;
  for (int i = 0; i < 600; ++i) {
    for (int c = 0; c < 3; ++c) d.x.push_back(static_cast<float>(random.normal()));
    const float* row = &d.x[d.x.size() - 3];
    d.y.push_back(row[0] * row[1] > 0.2f || row[2] > 1.5f ? 1.0f : 0.0f);
  }
  return d;
}

const BoosterOptions kOptions = {20, {{"objective", "binary:logistic"}, {"max_depth", "3"}}};

float leaf_of(const base::Tree& tree, const float* row) {
  size_t at = 0;
  while (tree[at].left >= 0)
    at = static_cast<size_t>(row[tree[at].column] < tree[at].value ? tree[at].left : tree[at].right);
  return tree[at].value;
}

TEST(Booster, ItsTreesAddUpToItsPrediction) {
  const Data d = make_data();
  const Booster booster(d.view(), d.y, {}, kOptions, 1);
  const auto trees = booster.trees();
  const auto predicted = booster.predict(d.view());
  ASSERT_EQ(trees.size(), 20u);
  for (size_t i = 0; i < d.y.size(); ++i) {
    double logit = 0;
    for (const auto& t : trees) logit += leaf_of(t, &d.x[i * 3]);
    EXPECT_NEAR(1 / (1 + std::exp(-logit)), predicted[i], 1e-5);
  }
}

// XGBoost's own bins are 256 a column. Missing values go the same way.
TEST(Booster, BinsInPlaceOfACopyGiveTheSameTrees) {
  Data d = make_data();
  for (size_t i = 0; i < d.x.size(); i += 7) d.x[i] = NAN;
  BoosterOptions options = kOptions;
  const auto copied = Booster(d.view(), d.y, {}, options, 1).predict(d.view());
  options.bins = 256;
  const auto binned = Booster(d.view(), d.y, {}, options, 1).predict(d.view());
  options.bins = 4;
  const auto coarse = Booster(d.view(), d.y, {}, options, 1).predict(d.view());
  double moved = 0;
  for (size_t i = 0; i < d.y.size(); ++i) {
    EXPECT_NEAR(binned[i], copied[i], 1e-5);
    moved += std::fabs(coarse[i] - copied[i]);
  }
  EXPECT_GT(moved, 1);
}

TEST(Booster, StopsBetweenRounds) {
  const Data d = make_data();
  for (const double quantile : {0.0, 0.5}) {
    base::StopFlag stop;
    BoosterOptions options;
    options.rounds = 5;
    options.quantile = quantile;
    options.stop = &stop;
    EXPECT_NO_THROW(Booster(d.view(), d.y, {}, options, 1));
    stop.request();
    EXPECT_THROW(Booster(d.view(), d.y, {}, options, 1), base::Stopped);
  }
}

}  // namespace
}  // namespace netflowgen::booster
