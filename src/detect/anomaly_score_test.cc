#include "detect/anomaly_score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "infer/testing.h"

namespace netflowgen::detect {
namespace {

constexpr int64_t kStart = 28'000'000;
constexpr int kLearnt = 600;  // steps

// Usual traffic of a node, and what a model says of it, drawn anew at each step.
struct Step {
  std::vector<float> frame, hidden, direct;
};

class AnomalyScorerTest : public ::testing::Test {
 protected:
  AnomalyScorerTest()
      : folder_(spec(), 3),
        model_(infer::Model::load(folder_.path())),
        volumes_(model_->encoder().volumes()),
        leads_(model_->spec().input.leads),
        quantiles_(model_->spec().quantiles.size()) {}

  static model::ModelSpec spec() { return model::ModelSpec::preset_of("universal", "nano"); }

  Step usual(base::Random& random) const {
    Step s;
    s.frame.assign(series::kFeatureCount, NAN);
    for (size_t v = 0; v < volumes_; ++v)
      s.frame[static_cast<size_t>(model_->encoder().volume_feature(v))] =
          static_cast<float>(1000 + 50 * random.normal());
    for (int i = 0; i < model_->spec().d_model; ++i) s.hidden.push_back(static_cast<float>(random.normal()));
    for (size_t i = 0; i < leads_.size() * volumes_ * quantiles_; ++i)
      s.direct.push_back(static_cast<float>(i % quantiles_) / 4 - 1);
    return s;
  }

  float update(AnomalyScorer& scorer, int64_t step, const Step& s, uint64_t node = 1) const {
    return scorer.update({node, kStart + step, s.frame, s.hidden, s.direct});
  }

  // A scorer that knows node 1 for kLearnt steps.
  AnomalyScorer learnt(base::Random& random, const AnomalyOptions& options = {}) const {
    AnomalyScorer scorer(model_, options);
    for (int i = 0; i < kLearnt; ++i) update(scorer, i, usual(random));
    return scorer;
  }

  infer::testing::RandomModel folder_;
  std::shared_ptr<const infer::Model> model_;
  size_t volumes_;
  std::vector<int> leads_;
  size_t quantiles_;
};

TEST_F(AnomalyScorerTest, IsAboutZeroForUsualStepsAndUnknownAtFirst) {
  base::Random random(1);
  AnomalyScorer scorer(model_);
  EXPECT_TRUE(std::isnan(update(scorer, 0, usual(random))));
  for (int i = 1; i < kLearnt; ++i) update(scorer, i, usual(random));
  double sum = 0;
  for (int i = 0; i < 50; ++i) sum += static_cast<double>(update(scorer, kLearnt + i, usual(random)));
  EXPECT_NEAR(sum / 50, 0,
              3);  // residuals of one volume are all alike here, so their mean square varies much
}

TEST_F(AnomalyScorerTest, EachPartRaisesIt) {
  const auto scored = [&](auto change) {
    base::Random again(2);
    auto scorer = learnt(again);
    Step s = usual(again);
    change(s);
    return update(scorer, kLearnt, s);
  };
  const float none = scored([](Step&) {});
  EXPECT_GT(scored([](Step& s) { s.hidden[5] += 20; }), none + 2);
  EXPECT_GT(
      scored([&](Step& s) { s.frame[static_cast<size_t>(model_->encoder().volume_feature(0))] = 9000; }),
      none + 2);
}

TEST_F(AnomalyScorerTest, AResidualIsOfTheForecastForThisStep) {
  base::Random random(4);
  auto scorer = learnt(random);
  const size_t lead = 2;  // of 6 steps
  ASSERT_EQ(leads_[lead], 6);
  std::vector<float> scores;
  for (int i = 0; i < 12; ++i) {
    Step s = usual(random);
    for (size_t v = 0; i == 2 && v < volumes_; ++v) {
      for (size_t q = 0; q < quantiles_; ++q) s.direct[(lead * volumes_ + v) * quantiles_ + q] += 8;
    }
    scores.push_back(update(scorer, kLearnt + i, s));
  }
  const auto highest = std::max_element(scores.begin(), scores.end()) - scores.begin();
  EXPECT_EQ(highest, 2 + 6);
  EXPECT_GT(scores[8], scores[7] + 1.5f);
}

TEST_F(AnomalyScorerTest, NodesAreApartAndIdleStepsArePassedOver) {
  base::Random one(5);
  base::Random other(6);
  AnomalyScorer alone(model_);
  AnomalyScorer both(model_);
  for (int i = 0; i < kLearnt; ++i) {
    const Step s = usual(one);
    const float expected = update(alone, 3 * i, s);
    update(both, 3 * i, usual(other), 2);
    EXPECT_TRUE(std::isnan(both.update({1, kStart + 3 * i - 1, {}, s.hidden, s.direct})));
    const float found = update(both, 3 * i, s);
    ASSERT_TRUE(found == expected || (std::isnan(found) && std::isnan(expected))) << i;
  }
  EXPECT_EQ(both.nodes(), 2);
  both.forget(1);
  EXPECT_TRUE(std::isnan(update(both, 3 * kLearnt, usual(one))));
}

TEST_F(AnomalyScorerTest, ContinuesFromItsBytesAndRefusesOthers) {
  base::Random random(8);
  auto scorer = learnt(random);
  const int64_t last = kStart + kLearnt - 1;
  const auto bytes = scorer.save();
  AnomalyScorer again(model_);
  ASSERT_TRUE(again.restore(bytes, last));
  EXPECT_EQ(again.save(), bytes);
  const Step s = usual(random);
  const AnomalyPosition next{1, last + 1, s.frame, s.hidden, s.direct};
  EXPECT_EQ(scorer.peek({&next, 1}).front(), again.update(next));
  EXPECT_EQ(scorer.save(), bytes);  // looking ahead learns nothing

  AnomalyScorer other(model_);
  EXPECT_FALSE(other.restore({}, last));
  EXPECT_FALSE(other.restore(std::span(bytes).first(bytes.size() / 2), last));
  EXPECT_FALSE(other.restore(bytes, last - 1));  // of a step that has not come
  auto bad = bytes;
  bad[bad.size() / 2] ^= 1;
  EXPECT_FALSE(other.restore(bad, last));
  EXPECT_EQ(other.nodes(), 0);
}

TEST_F(AnomalyScorerTest, WhatComesAfterLearningStaysUnusual) {
  const auto last = [&](const AnomalyOptions& options) {
    base::Random random(7);
    auto scorer = learnt(random, options);
    float score = 0;
    for (int i = 0; i < 600; ++i) {
      Step s = usual(random);
      for (float& x : s.hidden) x += 6;
      score = update(scorer, kLearnt + i, s);
    }
    return score;
  };
  const int64_t step_ms = model_->encoder().spec().step_ms;
  EXPECT_GT(last({(kStart + kLearnt) * step_ms}), 5);
  EXPECT_LT(last({}), 3);  // the first block learns as it goes
}

}  // namespace
}  // namespace netflowgen::detect
