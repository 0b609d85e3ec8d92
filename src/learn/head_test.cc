// Heads: they learn, save and survive a round trip, and keep what no label contradicts.
#include "learn/head.h"
#include "learn/feature_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "learn/heads/head_refine.h"
#include "learn/network/backbone.h"
#include "learn/testing.h"

namespace netflowgen::learn {
namespace {

using namespace testing;

TEST(Head, LearnsSavesAndRoundTrips) {
  auto table = sample_table(5, 4, 30);
  // Plant floods: flows x 50 for three steps on some days.
  std::vector<bool> attack(table.rows());
  for (size_t r = 30; r + 3 < table.rows(); r += 97) {
    for (size_t k = r; k < r + 3; ++k) {
      table.values[k * series::kFeatureCount + series::kFlowsIn] *= 50;
      table.values[k * series::kFeatureCount + series::kBytesIn] *= 50;
      attack[k] = true;
    }
  }
  Scratch out("head");
  PretrainOptions o = small_options();
  pretrain(table, o, out.path, kGo, {});
  const Backbone backbone(out.path, "cpu", 1);
  const FeatureCache cache = backbone.scan(table, {}, kGo, {});
  std::vector<Example> examples;
  int32_t event = -1;
  for (size_t r = 0; r < table.rows(); ++r) {
    if (attack[r] && !attack[r - 1]) ++event;
    examples.push_back({r, attack[r] ? event : -1, r % 5 == 0 && !attack[r]});
  }
  for (const auto& [loss, members] : {std::pair("bce", 0), std::pair("bce", 2), std::pair("safe", 2)}) {
    HeadOptions h;
    h.spec.name = "ddos";
    h.spec.hidden = 8;
    h.members = members;
    h.epochs = 60;
    h.loss = loss;
    const HeadWeights head = train_head(cache, examples, h);
    const auto logits = apply_head(cache, head);
    double lowest_attack = INFINITY;
    double benign = 0;
    for (size_t r = 0; r < table.rows(); ++r) {
      const double x = logits[static_cast<size_t>(cache.kept[r])];
      if (attack[r]) lowest_attack = std::min(lowest_attack, x);
      if (!attack[r]) benign += x / static_cast<double>(table.rows());
    }
    EXPECT_GT(lowest_attack, benign + 1) << loss;
    add_head(out.path, head, "- head ddos\n");
    const Backbone again(out.path, "cpu", 1);
    ASSERT_NE(again.spec().task("ddos"), nullptr);
    EXPECT_EQ(apply_head(cache, load_head(model::ModelFolder(out.path), "ddos")), logits);
    torch::NoGradGuard no_grad;
    const auto z =
        torch::from_blob(const_cast<float*>(cache.z.data()),
                         {static_cast<int64_t>(cache.count()), static_cast<int64_t>(cache.width())});
    const auto through_network = again.impl().network.task(*again.spec().task("ddos"), z).squeeze(-1);
    for (size_t k = 0; k < cache.count(); ++k)
      EXPECT_NEAR(through_network[static_cast<int64_t>(k)].item<float>(), logits[k], 1e-3);
  }
}

// Labels that follow a product of two inputs, which no linear head knows: trees do, and the model folder keeps them.
TEST(Head, TreesCountTheMoreTheMoreIncidentsTheLabelsHold) {
  const auto table = sample_table(5, 2, 400);
  Scratch out("trees");
  PretrainOptions o = small_options();
  o.steps = 2;
  pretrain(table, o, out.path, kGo, {});
  FeatureCache cache = Backbone(out.path, "cpu", 1).scan(table, {}, kGo, {});
  base::Random random(3);
  std::vector<Example> examples;
  std::vector<bool> attack(cache.count());
  for (size_t r = 0; r < table.rows(); ++r) {
    const auto k = static_cast<size_t>(cache.kept[r]);
    float* const dense = cache.z.data() + k * cache.width() + cache.hidden + cache.surprise;
    for (size_t c = 0; c < cache.dense; ++c) dense[c] = static_cast<float>(random.normal());
    attack[k] = dense[0] * dense[1] > 0.5f;
    examples.push_back({r, attack[k] ? static_cast<int32_t>(r) : -1, false});
  }
  HeadOptions h;
  h.spec.name = "ddos";
  h.prior = Prior::kNone;
  const auto gap = [&](const HeadWeights& head) {  // between the mean logits of attacks and the rest
    const auto logits = apply_head(cache, head);
    double sum[2] = {};
    double count[2] = {};
    for (size_t k = 0; k < logits.size(); ++k) sum[attack[k]] += logits[k], ++count[attack[k]];
    return sum[1] / count[1] - sum[0] / count[0];
  };
  const HeadWeights with = train_head(cache, examples, h);
  EXPECT_EQ(with.spec.trees, 60);
  // The same labels as one incident: the mean of the two logits, in which the trees' counts a fifth.
  auto one = examples;
  for (auto& e : one) e.incident = e.group < 0 ? -1 : 7;
  const HeadWeights alone = train_head(cache, one, h);
  ASSERT_EQ(alone.trees.leaves.size(), with.trees.leaves.size());
  for (size_t k = 0; k < with.trees.leaves.size(); ++k)
    EXPECT_NEAR(alone.trees.leaves[k], with.trees.leaves[k] * 2 * (0.2 / 1.2), 1e-5);
  for (size_t k = 0; k < with.w2.size(); ++k) EXPECT_NEAR(alone.w2[k], with.w2[k] * 2 / 1.2, 1e-5);
  h.trees = 0;
  const HeadWeights without = train_head(cache, examples, h);
  EXPECT_GT(gap(with), gap(without) + 1);
  add_head(out.path, with, "");
  const model::ModelFolder folder(out.path);
  EXPECT_EQ(folder.spec().tasks[0], with.spec);
  const auto leaves = folder.trees(with.spec).leaves;
  EXPECT_EQ(std::vector<float>(leaves.begin(), leaves.end()), with.trees.leaves);
}

// With an endless ridge the labels change nothing but a constant: what is left is the prior.
TEST(Head, KeepsThePriorWhereLabelsMayChangeNothing) {
  const auto table = sample_table(5, 2, 200);
  Scratch out("prior");
  PretrainOptions o = small_options();
  o.steps = 20;
  pretrain(table, o, out.path, kGo, {});
  const FeatureCache cache = Backbone(out.path, "cpu", 1).scan(table, {}, kGo, {});
  ASSERT_FALSE(cache.inject.empty());
  ASSERT_FALSE(cache.volumes_in.empty());
  std::vector<Example> examples;
  for (size_t r = 0; r < table.rows(); ++r) examples.push_back({r, r % 50 == 0 ? 0 : -1, false});
  HeadOptions h;
  h.spec.name = "ddos";
  h.ridge = 1e6;
  h.trees = 0;
  const auto changes = [&](const std::vector<float>& logits, size_t k) { return logits[k] - logits[0]; };
  h.prior = Prior::kInjection;
  const auto injection = apply_head(cache, train_head(cache, examples, h));
  h.prior = Prior::kNone;
  const auto none = apply_head(cache, train_head(cache, examples, h));
  h.prior = Prior::kVolume;
  const auto volume = apply_head(cache, train_head(cache, examples, h));
  float most = 0;
  for (size_t k = 0; k < cache.count(); ++k) {
    EXPECT_NEAR(changes(injection, k), cache.inject[k] - cache.inject[0], 1e-3);
    EXPECT_NEAR(changes(none, k), 0, 1e-3);
    most = std::max(most, std::fabs(changes(volume, k)));
  }
  EXPECT_GT(most, 0.5f);
  // More in and nothing else: the prior rises.
  FeatureCache louder = cache;
  for (size_t k = 0; k < cache.count(); ++k)
    for (const size_t c : cache.volumes_in) louder.z[k * cache.width() + c] += 1;
  const auto raised = apply_head(louder, train_head(cache, examples, h));
  for (size_t k = 0; k < cache.count(); ++k) EXPECT_GT(raised[k], volume[k]);
}

TEST(Head, SaysWhichLabelsAreMissing) {
  const auto table = sample_table(5, 2, 12);
  Scratch out("nolabels");
  PretrainOptions o = small_options();
  o.steps = 1;
  pretrain(table, o, out.path, kGo, {});
  const FeatureCache cache = Backbone(out.path, "cpu", 1).scan(table, {}, kGo, {});
  const std::vector<Example> benign{{0, -1, false}, {1, -1, false}};
  EXPECT_THROW(train_head(cache, benign, {}), base::Error);
  // All attacks in the validation period are still attacks to learn from.
  const std::vector<Example> late{{0, -1, false}, {1, -1, false}, {2, 0, true}};
  HeadOptions h;
  h.members = 1;
  EXPECT_NO_THROW(train_head(cache, late, h));
}

// A start that ranks the labels rightly leaves little to correct, one that is wrong or knows nothing leaves all.
TEST(Refine, WhatAStartKnowsIsAShareOfWhatTheLabelsTell) {
  Side side;
  side.target = torch::tensor({1.0f, 0.0f, 0.0f, 0.0f});
  side.weight = torch::tensor({0.4f, 0.2f, 0.2f, 0.2f});
  EXPECT_GT(share_known(side, torch::tensor({8.0f, -8.0f, -8.0f, -8.0f})), 0.99);
  const float prior = std::log(0.4f / 0.6f);
  EXPECT_NEAR(share_known(side, torch::tensor({prior, prior, prior, prior})), 0, 1e-6);
  EXPECT_EQ(share_known(side, torch::tensor({-8.0f, 8.0f, 8.0f, 8.0f})), 0);
  const double half = share_known(side, torch::tensor({1.0f, -1.0f, -1.0f, -1.0f}));
  EXPECT_GT(half, 0.3);
  EXPECT_LT(half, 0.8);
}

}  // namespace
}  // namespace netflowgen::learn
