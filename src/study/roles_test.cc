#include "study/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "detect/node_classes.h"
#include "infer/weights.h"
#include "learn/testing.h"
#include "model/spec.h"
#include "study/class_head.h"
#include "study/node_pool.h"

namespace netflowgen::study {
namespace {

using learn::testing::kGo;
using learn::testing::Scratch;
using testing::HasSubstr;

ClassExamples examples(size_t n, size_t classes, size_t width, uint64_t seed) {
  base::Random random(seed);
  ClassExamples e{width, {}, {}};
  for (size_t i = 0; i < n; ++i) {
    const size_t c = i % 5 == 0 ? 1 : i % classes;  // unequal sizes
    e.labels.push_back(static_cast<int>(c));
    for (size_t k = 0; k < width; ++k)
      e.x.push_back(random.normal() + (k % classes == c ? 1.0 : 0.0) + 5 * static_cast<double>(k));
  }
  return e;
}

// With the factor to logits taken out, leaving an example out and fitting again must say what the shortcut says of it: seen by
// the accuracy, which the shortcut gives as a share.
TEST(ClassHead, LeftOutAccuracyIsThatOfFittingAgain) {
  auto e = examples(15, 3, 8, 3);
  e.weights.assign(15, 1);
  const auto scale = scale_of(e.x, e.width);
  const auto all = train_class_weights(e, 3, scale, {});
  double right = 0;
  for (size_t i = 0; i < e.labels.size(); ++i) {
    ClassExamples rest{e.width, {}, {}, std::vector<double>(14, 1)};
    for (size_t j = 0; j < e.labels.size(); ++j) {
      if (j == i) continue;
      rest.labels.push_back(e.labels[j]);
      rest.x.insert(rest.x.end(), e.x.begin() + static_cast<std::ptrdiff_t>(j * e.width),
                    e.x.begin() + static_cast<std::ptrdiff_t>((j + 1) * e.width));
    }
    const auto p =
        train_class_weights(rest, 3, scale, {}).probabilities(std::span(e.x).subspan(i * e.width, e.width));
    right += std::max_element(p.begin(), p.end()) - p.begin() == e.labels[i] ? 1 : 0;
  }
  EXPECT_NEAR(all.left_out_accuracy, right / 15, 1e-9);
  EXPECT_LT(right, 15);  // the problem is not a trivial one
  EXPECT_GT(right, 7);
}

TEST(ClassHead, EveryClassCountsTheSame) {
  // One feature that tells nothing: with 30 examples against 3, the rarer class is as probable as the other.
  ClassExamples e{1, {}, {}};
  base::Random random(1);
  for (int i = 0; i < 33; ++i) {
    e.x.push_back(i % 2 == 0 ? 1 : -1);
    e.labels.push_back(i < 30 ? 0 : 1);
  }
  e.x[30] = 0, e.x[31] = 0, e.x[32] = 0;
  const auto w = train_class_weights(e, 2, scale_of(e.x, 1), {});
  EXPECT_NEAR(w.probabilities(std::vector<double>{0.0})[0], 0.5, 0.05);
  EXPECT_THROW(train_class_weights(e, 3, scale_of(e.x, 1), {}), base::Error);
}

// Both inputs tell the classes apart; the first wanders although the class stays.
TEST(ClassHead, WhatIsToBeIgnoredWeighsLess) {
  ClassExamples e{2, {}, {}};
  base::Random random(4);
  for (int i = 0; i < 20; ++i) {
    const double side = i % 2 == 0 ? 1 : -1;
    e.x.push_back(side + 0.5 * random.normal());
    e.x.push_back(side + 0.5 * random.normal());
    e.labels.push_back(i % 2);
  }
  auto scale = scale_of(e.x, 2);
  const auto share = [&] {
    const auto w = train_class_weights(e, 2, scale, {.ridge = 10});
    return std::fabs(w.weight[0]) / (std::fabs(w.weight[0]) + std::fabs(w.weight[1]));
  };
  const double plain = share();
  EXPECT_NEAR(plain, 0.5, 0.2);
  ignore(scale, std::vector<double>(4));
  EXPECT_TRUE(scale.ignored.empty());
  ignore(scale, std::vector<double>{100, 0, 0, 0});
  EXPECT_LT(share(), plain / 2);
}

TEST(ClassHead, AMissingInputSaysNothing) {
  const auto e = examples(30, 2, 4, 5);
  const auto scale = scale_of(e.x, e.width);
  const auto w = train_class_weights(e, 2, scale, {});
  std::vector<double> at(scale.mean);
  const auto p = w.probabilities(at);
  at[2] = NAN;
  EXPECT_EQ(w.probabilities(at), p);
}

// Nodes of two kinds, with the steps of a day each has: busy by day with large flows, busy by night with small ones. The level
// is drawn for each node, so that it tells nothing.
series::FrameTable two_kinds(size_t nodes) {
  series::FrameTable t = learn::testing::sample_table(7, nodes, 12);
  base::Random random(9);
  for (size_t n = 0; n < nodes; ++n) {
    const double level = random.lognormal(0, 1);
    for (size_t r = t.offsets[n]; r < t.offsets[n + 1]; ++r) {
      float* f = t.values.data() + r * series::kFeatureCount;
      const double hour = static_cast<double>(t.steps[r] % 24);
      const double shape = n % 2 == 0 ? 1 + hour : 25 - hour;
      f[series::kFlowsIn] = static_cast<float>(std::ceil(10 * level * shape));
      f[series::kBytesIn] = f[series::kFlowsIn] * (n % 2 == 0 ? 9000.0f : 90.0f);
    }
  }
  return t;
}

eval::NodeClasses classes_of(const series::FrameTable& table, size_t labelled) {
  std::string text = "node,class\n";
  for (size_t n = 0; n < labelled; ++n) text += table.nodes[n] + (n % 2 == 0 ? ",day\n" : ",night\n");
  return eval::parse_node_classes(text, "classes.csv", table, {});
}

class Roles : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new Scratch("roles");
    table_ = new series::FrameTable(two_kinds(12));
    auto o = learn::testing::small_options();
    learn::pretrain(*table_, o, scratch_->path / "model", kGo, {});
  }
  static void TearDownTestSuite() {
    delete table_;
    delete scratch_;
  }
  static RoleOptions options() {
    RoleOptions o;
    o.model = (scratch_->path / "model").string();
    o.out = (scratch_->path / "roles").string();
    o.threads = 1;
    return o;
  }
  static Scratch* scratch_;
  static series::FrameTable* table_;
};
Scratch* Roles::scratch_ = nullptr;
series::FrameTable* Roles::table_ = nullptr;

TEST_F(Roles, TheStreamNamesUnlabelledNodesAsThePooledHeadDoes) {
  const auto r = finetune_roles(options(), *table_, classes_of(*table_, 6), kGo, {});
  EXPECT_THAT(r.nodes, testing::ElementsAre(3, 3));
  EXPECT_EQ(r.left_out_accuracy, 1);
  const model::ModelFolder folder(options().out);
  ASSERT_NE(folder.spec().task("role"), nullptr);
  EXPECT_THAT(folder.spec().task("role")->classes, testing::ElementsAre("day", "night"));

  const learn::Backbone backbone(options().model, "cpu", 1);
  const auto pool = pool_nodes(backbone, *table_, {}, kGo, {});
  const auto head = learn::load_head(folder, "role");
  const auto nodes = detect::classify_nodes(infer::Model::load(options().out), "role", *table_, 1, kGo, {});
  ASSERT_EQ(nodes.size(), 12u);
  for (size_t n = 0; n < nodes.size(); ++n) {
    EXPECT_EQ(nodes[n].top, n % 2) << n;
    EXPECT_EQ(nodes[n].steps, pool.steps[n]);
    double difference = head.b2[0] - head.b2[1];
    for (size_t k = 0; k < pool.width; ++k)
      difference +=
          (head.w2[k] - head.w2[pool.width + k]) * (pool.of(n)[k] - head.mean[k]) / head.deviation[k];
    EXPECT_NEAR(std::log(nodes[n].probabilities[0] / nodes[n].probabilities[1]), difference,
                0.02 * (1 + std::fabs(difference)))
        << n;
  }
}

TEST_F(Roles, OtherHeadsStay) {
  auto o = options();
  finetune_roles(o, *table_, classes_of(*table_, 6), kGo, {});
  o.model = o.out;
  finetune_roles(o, *table_, classes_of(*table_, 4), kGo, {});  // into the same folder, again
  EXPECT_EQ(model::ModelFolder(o.out).spec().tasks.size(), 1u);
}

TEST_F(Roles, AModelWithoutTheHeadIsRefused) {
  try {
    detect::ClassTally tally(*infer::Model::load(options().model), "role");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("no head 'role' that names classes (it has none)"));
  }
}

TEST_F(Roles, AClassWithoutAStepInThePeriodIsAnError) {
  auto o = options();
  o.range = {0, 10};
  EXPECT_THROW(finetune_roles(o, *table_, classes_of(*table_, 6), kGo, {}), base::Error);
}

TEST_F(Roles, MethodsNameTheKinds) {
  auto o = options();
  const auto methods = role_methods(o, *table_, kGo, {});
  eval::ClassRunOptions run;
  run.labels = 3;
  run.draws = 3;
  const auto r = eval::evaluate_classes(*table_, classes_of(*table_, 12), run, methods, kGo, {});
  ASSERT_EQ(r.runs.size(), 4u);
  for (const auto& m : r.runs) EXPECT_GT(eval::mean_deviation(m.macro_f1).mean, 0.6) << m.method;
}

TEST(NodeSummaries, AreOfTheGivenFeaturesAlone) {
  auto table = learn::testing::sample_table(1, 2, 3);
  const auto s = summarise_nodes(table, {});
  // active share, three features (not the port) with eight figures each, four quarters, weekend
  EXPECT_EQ(s.columns.size(), 1u + 3 * 8 + 4 + 1);
  EXPECT_NEAR(s.of(0)[0], static_cast<double>(table.offsets[1]) / 72, 1e-6);
  double quarters = 0;
  for (size_t q = 0; q < 4; ++q) quarters += double{s.of(1)[25 + q]};
  EXPECT_NEAR(quarters, 1, 1e-5);
}

}  // namespace
}  // namespace netflowgen::study
