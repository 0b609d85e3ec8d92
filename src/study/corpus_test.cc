// A corpus of a few small networks, from its file to a model that scores a network without labels.
#include "study/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "detect/calibrate.h"
#include "detect/calibration.h"
#include "learn/feature_cache.h"
#include "learn/head.h"
#include "study/attack_methods.h"
#include "study/forecast_models.h"
#include "study/zero_shot.h"

namespace netflowgen::study {
namespace {

using testing::HasSubstr;

class CorpusTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = base::fs::path(testing::TempDir()) / "corpus_test";
    base::fs::remove_all(folder_);
    base::fs::create_directories(folder_);
  }
  void TearDown() override { base::fs::remove_all(folder_); }

  std::string refusal(const std::string& yaml) {
    base::write_file(folder_ / "c.yaml", yaml);
    try {
      load_corpus_spec((folder_ / "c.yaml").string());
    } catch (const base::Error& e) {
      return e.what();
    }
    return "nothing is refused";
  }

  static CorpusSpec small() {
    CorpusSpec s;
    s.networks = 3;
    s.validation = 1;
    s.max_hosts = 20;
    s.max_records = 60'000;
    s.min_duration_ms = 4 * 3'600'000;
    s.max_duration_ms = 8 * 3'600'000;
    return s;
  }

  base::fs::path folder_;
  base::StopFlag stop_;
};

TEST_F(CorpusTest, TheFileIsReadAndItsErrorsNameLineAndKey) {
  base::write_file(
      folder_ / "c.yaml",
      "seed: 7\ndrawn: {networks: 5, hosts: 30, duration: [1h, 2h], steps: [10s, 1m], partial: 0.2}\n"
      "validation: {networks: 2, leave_out: {attacks: [gre_flood], sampling: [2, 64]}}\n"
      "stores:\n  - {store: here, period: 2024-01-01/2024-02-01, weight: 3}\n");
  const CorpusSpec s = load_corpus_spec((folder_ / "c.yaml").string());
  EXPECT_EQ(s.seed, 7u);
  EXPECT_EQ(s.networks, 5);
  EXPECT_EQ(s.max_duration_ms, 7'200'000);
  EXPECT_THAT(s.steps_ms, testing::ElementsAre(10'000, 60'000));
  EXPECT_THAT(s.leave_out.attacks, testing::ElementsAre("gre_flood"));
  EXPECT_EQ(s.leave_out.sampling->high, 64);
  ASSERT_EQ(s.stores.size(), 1u);
  EXPECT_EQ(s.stores[0].weight, 3);
  EXPECT_THAT(refusal("drawn: {network: 5}\n"), testing::AllOf(HasSubstr("line 1"), HasSubstr("networks")));
  EXPECT_THAT(refusal("drawn: {networks: 0}\n"), HasSubstr("not between 1"));
  EXPECT_THAT(refusal("drawn:\n  duration: [2h, 1h]\n"), HasSubstr("line 2"));
  EXPECT_THAT(refusal("drawn: {partial: 2}\n"), HasSubstr("between 0 and 1"));
  EXPECT_THAT(refusal("stores: [{period: 2024}]\n"), HasSubstr("store"));
}

TEST_F(CorpusTest, NetworksAreTheSameAgainAndAreKept) {
  const Corpus a = load_corpus(small(), folder_ / "a", stop_, {});
  const Corpus b = load_corpus(small(), folder_ / "b", stop_, {});
  const Corpus again = load_corpus(small(), folder_ / "a", stop_, {});
  ASSERT_EQ(a.train.size(), 3u);
  for (const Corpus* other : {&b, &again}) {
    for (size_t k = 0; k < a.train.size(); ++k) {
      EXPECT_EQ(a.train[k].table.steps, other->train[k].table.steps);
      EXPECT_EQ(a.train[k].table.nodes, other->train[k].table.nodes);
    }
    EXPECT_EQ(a.types, other->types);
  }
  size_t attacks = 0;
  for (const auto& node : a.train[0].attacks) attacks += node.size();
  EXPECT_GT(attacks, 0u);
  CorpusSpec changed = small();
  changed.seed = 2;
  const Corpus c = load_corpus(changed, folder_ / "a", stop_, {});
  EXPECT_NE(c.train[0].table.steps, a.train[0].table.steps) << "networks of another corpus were taken";
}

int kind_of(const Corpus& c, const std::string& name) {
  return static_cast<int>(std::find(c.kinds.begin(), c.kinds.end(), name) - c.kinds.begin());
}

// Nodes with a look-alike of the kind.
size_t nodes_with(const learn::CorpusNetwork& n, int kind) {
  return static_cast<size_t>(std::ranges::count_if(n.lookalikes, [&](const auto& spans) {
    return std::ranges::count(spans, kind, &learn::AttackSpan::type) > 0;
  }));
}

TEST_F(CorpusTest, WhatLooksLikeAnAttackIsKnownByNode) {
  const Corpus c = load_corpus(small(), folder_ / "a", stop_, {});
  size_t sweeps = 0;
  for (const auto& n : c.train) {
    ASSERT_EQ(n.lookalikes.size(), n.table.nodes.size());
    for (const auto& spans : n.lookalikes) {
      EXPECT_TRUE(std::ranges::is_sorted(spans, {}, &learn::AttackSpan::from));
      for (const auto& s : spans) EXPECT_LT(s.from, s.to);
    }
    const size_t nodes = nodes_with(n, kind_of(c, "horizontal_scan"));
    EXPECT_TRUE(nodes == 0 || nodes > n.table.nodes.size() / 2) << "a scan of the prefix is one of its nodes";
    sweeps += nodes > 0 ? 1 : 0;
  }
  EXPECT_GT(sweeps, 0u);
}

TEST_F(CorpusTest, WhereOnlyConnectionsAreCountedScansOfOneHostAreAttacks) {
  CorpusSpec spec = small();
  spec.partial = 0;
  const Corpus c = load_corpus(spec, folder_ / "a", stop_, {});
  const int scan = kind_of(c, "vertical_scan");
  size_t scanned = 0;
  for (auto n : c.train) {
    const size_t before = nodes_with(n, scan);
    size_t attacks = 0;
    for (const auto& spans : n.attacks) attacks += spans.size();
    size_t scans = 0;
    for (const auto& spans : n.lookalikes)
      scans += static_cast<size_t>(std::ranges::count(spans, scan, &learn::AttackSpan::type));
    count_connections(c.kinds, n);
    EXPECT_EQ(nodes_with(n, scan), 0u);
    EXPECT_TRUE(n.table.missing[series::kBytesIn]);
    const RowTruths truths = truths_of(n);
    for (size_t r = 0; r < truths.event.size(); ++r) {
      const float least = 10 * static_cast<float>(n.table.step_ms) / 60'000;
      if (truths.event[r] >= 0) {
        EXPECT_GE(n.table.frame(r)[series::kFlowsIn], least) << "a poll is an attack";
      }
    }
    for (const auto& spans : n.attacks) {
      EXPECT_TRUE(std::ranges::is_sorted(spans, {}, &learn::AttackSpan::from));
      attacks -= spans.size();
    }
    EXPECT_EQ(attacks + scans, 0u);
    scanned += before;
  }
  EXPECT_GT(scanned, 0u);
}

// Rows that look like attacks are kept beside those that are drawn from all: of many benign rows they are few.
TEST_F(CorpusTest, ThinnedRowsKeepWhatLooksLikeAnAttack) {
  RowTruths t;
  t.event.assign(10'000, -1);
  t.lookalike.assign(10'000, false);
  for (size_t r = 0; r < 50; ++r) t.lookalike[r] = true;
  t.event[9'999] = 0;
  t.event[9'998] = -2;
  base::Random random(1);
  const auto keep = thinned(t, {10, 500, 50}, random);
  EXPECT_EQ(std::count(keep.begin(), keep.begin() + 50, true), 50);
  EXPECT_NEAR(static_cast<double>(std::count(keep.begin() + 50, keep.end(), true)), 500, 80);
  EXPECT_TRUE(keep[9'999]);
  EXPECT_FALSE(keep[9'998]);
}

// Two processes have every network once between them, and each reads its own alone.
TEST_F(CorpusTest, SharesAreThePartsOfTheWhole) {
  CorpusSpec spec = small();
  spec.synthetic.networks = 2;
  const Corpus whole = load_corpus(spec, folder_ / "a", stop_, {});
  for (int rank : {0, 1}) {
    const auto folder = folder_ / std::to_string(rank);
    const Corpus part = load_corpus(spec, folder, stop_, {}, {rank, 2, true});
    ASSERT_EQ(part.train.size(), whole.train.size());
    ASSERT_EQ(part.validation.size(), whole.validation.size());
    for (size_t k = 0; k < whole.train.size(); ++k) {
      const auto& n = part.train[k];
      EXPECT_EQ(n.name, whole.train[k].name);
      EXPECT_EQ(n.weight, whole.train[k].weight);
      EXPECT_EQ(n.elsewhere, k % 2 != static_cast<size_t>(rank));
      EXPECT_EQ(n.table.steps, n.elsewhere ? std::vector<int64_t>() : whole.train[k].table.steps);
      EXPECT_EQ(n.table.rows(), n.elsewhere ? 0 : whole.train[k].table.rows());
      const bool simulated = k < static_cast<size_t>(spec.networks);
      EXPECT_EQ(base::fs::exists(folder / n.name), simulated && !n.elsewhere) << n.name;
    }
  }
}

TEST_F(CorpusTest, HidingLeavesWhatTheSourceGives) {
  Corpus c = load_corpus(small(), folder_ / "a", stop_, {});
  auto table = c.train[0].table;
  hide_features(SourceKind::kConnections, table);
  EXPECT_TRUE(table.missing[series::kBytesIn]);
  EXPECT_FALSE(table.missing[series::kFlowsIn]);
  for (size_t r = 0; r < table.rows(); ++r) {
    EXPECT_TRUE(std::isnan(table.frame(r)[series::kBytesIn]));
    EXPECT_FALSE(std::isnan(table.frame(r)[series::kFlowsIn]));
  }
}

TEST_F(CorpusTest, OneDirectionLeavesStepsWithFlowsToTheNode) {
  Corpus c = load_corpus(small(), folder_ / "a", stop_, {});
  const auto& before = c.train[0].table;
  auto table = before;
  keep_inbound(table);
  size_t expected = 0;
  for (size_t node = 0; node < before.nodes.size(); ++node) {
    for (size_t r = before.offsets[node]; r < before.offsets[node + 1]; ++r) {
      if (!(before.frame(r)[series::kFlowsIn] > 0)) continue;
      const size_t at = table.lower_bound(node, before.steps[r]);
      ASSERT_LT(at, table.offsets[node + 1]);
      EXPECT_EQ(table.steps[at], before.steps[r]);
      EXPECT_EQ(table.frame(at)[series::kFlowsIn], before.frame(r)[series::kFlowsIn]);
      EXPECT_EQ(table.frame(at)[series::kFlowsOut], 0);
      EXPECT_EQ(table.frame(at)[series::kOutInRatio], 0);
      ++expected;
    }
  }
  EXPECT_EQ(table.rows(), expected);
  EXPECT_LT(table.rows(), before.rows());
}

// A universal model forecasts at its leads, and between them.
void check_forecasts(const base::fs::path& model, const series::FrameTable& table,
                     const base::StopFlag& stop) {
  const auto models = std::make_shared<ForecastModels>(std::vector<std::string>{model.string()}, "cpu", 1, 0,
                                                       stop, base::ProgressFn{});
  EXPECT_EQ(models->between(6).low, models->between(6).high);
  EXPECT_THROW(models->between(0), base::Error);
  EXPECT_THROW(models->between(289), base::Error);
  const float share = models->between(3).share;
  EXPECT_NEAR(share, std::log(1.5) / std::log(3.0), 1e-6);
  std::vector<std::unique_ptr<eval::Forecaster>> forecasters;
  std::vector<std::unique_ptr<eval::NextStepPredictor>> predictors;
  add_model_methods(models, false, forecasters, predictors);
  eval::ForecastTask task;
  task.table = &table;
  task.features = {series::kFlowsIn};
  task.horizons = {2, 3, 6};
  forecasters[0]->fit(task, 1);
  const eval::Origin origin{0, table.steps[table.offsets[1] - 1]};
  const auto said = forecasters[0]->predict(table, {&origin, 1});
  for (size_t q = 0; q < eval::kQuantiles; ++q) {
    const auto at = [&](size_t h) { return std::log1p(said.quantiles_at(said.at(0, 0, h))[q]); };
    EXPECT_NEAR(at(1), (1 - share) * at(0) + share * at(2), 1e-5);
  }
}

TEST_F(CorpusTest, AModelOfManyNetworksScoresAnotherWithoutLabels) {
  const Corpus corpus = load_corpus(small(), folder_ / "networks", stop_, {});
  learn::PretrainOptions o;
  o.spec = model::ModelSpec::preset_of("universal", "nano");
  o.spec.d_model = 16;
  o.spec.d_ff = 32;
  o.spec.layers = 1;
  o.spec.window = 16;
  o.steps = 30;
  o.batch = 8;
  o.length = 32;
  o.warmup = 5;
  o.evaluate_every = 15;
  const auto model = folder_ / "model";
  learn::pretrain_corpus(corpus.train, corpus.validation, o, model, stop_, {});
  ZeroShotOptions z;
  z.trees = 30;
  z.tree_depth = 4;
  const auto result = fit_zero_shot(model, corpus, z, stop_, {});
  ASSERT_EQ(result.scores.size(), 1u);

  const auto calibration = detect::Calibration::load(model);
  EXPECT_EQ(calibration.tasks[0].name, "ddos");
  EXPECT_EQ(calibration.step_ms, 60'000);
  // The head in the folder gives what was measured.
  const model::ModelFolder folder(model);
  const auto head = learn::load_head(folder, "ddos");
  const learn::Backbone backbone(model, "cpu", 1);
  const auto& table = corpus.validation[0].table;
  const auto cache = backbone.scan(table, {}, stop_, {});
  const auto scores = learn::apply_head(cache, head);
  double attack = 0;
  double benign = 0;
  double n_attack = 0;
  double n_benign = 0;
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    for (size_t r = table.offsets[node]; r < table.offsets[node + 1]; ++r) {
      if (!(table.frame(r)[series::kFlowsIn] > 0)) continue;
      const bool is = corpus.validation[0].attack_at(node, table.steps[r]) >= 0;
      (is ? attack : benign) += scores[static_cast<size_t>(cache.kept[r])];
      (is ? n_attack : n_benign) += 1;
    }
  }
  ASSERT_GT(n_attack, 0);
  EXPECT_GT(attack / n_attack, benign / n_benign + 0.5);
  // So do the thresholds: those of the head's own scores are the same.
  detect::ScoreTable own;
  std::vector<detect::RowTruth> truth;
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    for (size_t r = table.offsets[node]; r < table.offsets[node + 1]; ++r) {
      const bool scored = table.frame(r)[series::kFlowsIn] > 0;
      own.steps.push_back(table.steps[r]);
      own.scores.push_back(scored ? scores[static_cast<size_t>(cache.kept[r])] : NAN);
      const bool is = scored && corpus.validation[0].attack_at(node, table.steps[r]) >= 0;
      truth.push_back(is ? detect::RowTruth::kAttack : detect::RowTruth::kBenign);
    }
    own.offsets.push_back(own.steps.size());
  }
  const auto& task = calibration.tasks[0];
  std::vector<double> rates;
  for (const auto& t : task.thresholds) rates.push_back(t.false_alarms);
  const auto expected = detect::calibrate(own, truth, task.node_days, task.timing, rates);
  for (size_t i = 0; i < rates.size(); ++i) {
    EXPECT_NEAR(task.thresholds[i].threshold, expected[i].threshold, 1e-3) << rates[i];
  }
  // Labels start from it: with none of weight the head stays what it was.
  learn::HeadOptions refine;
  refine.start = std::make_shared<const learn::HeadWeights>(head);
  refine.trees = 0;
  refine.ridge = 1e9;
  std::vector<learn::Example> examples;
  for (size_t r = 0; r < 40; ++r) examples.push_back({r, r == 0 ? 0 : -1, false, r == 0 ? 0 : -1});
  const auto refined = learn::apply_head(cache, learn::train_head(cache, examples, refine));
  std::vector<std::pair<float, float>> pairs;
  for (size_t i = 0; i < scores.size(); ++i) pairs.emplace_back(scores[i], refined[i]);
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 1; i < pairs.size(); ++i) EXPECT_GE(pairs[i].second, pairs[i - 1].second - 1e-3);
  check_forecasts(model, table, stop_);
}

}  // namespace
}  // namespace netflowgen::study
