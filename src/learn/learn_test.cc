// Laws of training: it learns, resumes exactly, walks in chunks as in one pass, and heads survive a round trip.
#include "learn/feature_cache.h"
#include "learn/head.h"
#include "learn/pretrain.h"
#include "learn/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "learn/network/backbone.h"

namespace netflowgen::learn {
namespace {

// Nodes with a daily shape, idle nights and noise; hourly steps.
series::FrameTable sample_table(uint64_t seed, size_t nodes = 6, int64_t days = 40) {
  series::FrameTable t;
  t.step_ms = 3600000;
  t.first_step = 250000;
  t.end_step = t.first_step + days * 24;
  t.offsets.push_back(0);
  t.missing.assign(series::kFeatureCount, true);
  for (const int f : {series::kBytesIn, series::kFlowsIn, series::kTcpShareIn, series::kTopPortIn})
    t.missing[static_cast<size_t>(f)] = false;
  base::Random random(seed);
  for (size_t n = 0; n < nodes; ++n) {
    t.nodes.push_back("10.0.0." + std::to_string(n));
    for (int64_t s = t.first_step; s < t.end_step; ++s) {
      const auto hour = static_cast<double>(s % 24);
      if (hour < 6 && random.chance(0.9)) continue;
      const double flows = std::ceil((1 + static_cast<double>(n)) * (hour + 1) * random.lognormal(0, 0.2));
      std::vector<float> f(series::kFeatureCount, NAN);
      f[series::kFlowsIn] = static_cast<float>(flows);
      f[series::kBytesIn] = static_cast<float>(std::round(flows * 700));
      f[series::kTcpShareIn] = static_cast<float>(random.uniform());
      f[series::kTopPortIn] = 443;
      t.steps.push_back(s);
      t.values.insert(t.values.end(), f.begin(), f.end());
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

PretrainOptions small_options() {
  PretrainOptions o;
  o.spec = model::ModelSpec::preset_of("default", "nano");
  o.spec.d_model = 32;
  o.spec.layers = 2;
  o.spec.d_ff = 64;
  o.spec.window = 24;
  o.spec.input.leads = {1, 6};
  o.steps = 12;
  o.batch = 8;
  o.length = 64;
  o.warmup = 4;
  o.evaluate_every = 4;
  o.validation_windows = 16;
  return o;
}

struct Scratch {
  explicit Scratch(const std::string& name)
      : path(base::fs::path(testing::TempDir()) / ("nfg_learn_" + name + std::to_string(::getpid()))) {
    base::fs::remove_all(path);
  }
  ~Scratch() { base::fs::remove_all(path); }
  base::fs::path path;
};

const base::StopFlag kGo;

TEST(Pretrain, LearnsTheDailyShape) {
  const auto table = sample_table(1);
  Scratch out("learns");
  PretrainOptions o = small_options();
  o.steps = 150;
  o.evaluate_every = 50;
  o.learning_rate = 4e-3;
  const auto result = pretrain(table, o, out.path, kGo, {});
  std::ifstream log(out.path / "training.jsonl");
  std::string first;
  std::getline(log, first);
  const double before = std::stod(first.substr(first.find("\"loss\":") + 7));
  EXPECT_LT(result.best_validation, 0.75 * before);
  EXPECT_GT(result.validation_bits, 0.1);  // noise cannot be predicted: a smaller figure would be a leak
}

TEST(Pretrain, ResumeEqualsUninterruptedExactly) {
  const auto table = sample_table(2);
  Scratch whole("whole");
  Scratch parts("parts");
  PretrainOptions o = small_options();
  pretrain(table, o, whole.path, kGo, {});
  base::StopFlag stop;
  pretrain(table, o, parts.path, stop, [&](const base::Progress& p) {
    if (p.done == 7) stop.request();
  });
  o.resume = true;
  pretrain(table, o, parts.path, kGo, {});
  EXPECT_EQ(base::read_file(parts.path / "training.jsonl"), base::read_file(whole.path / "training.jsonl"));
  EXPECT_EQ(base::read_file(parts.path / "model.safetensors"),
            base::read_file(whole.path / "model.safetensors"));
  EXPECT_EQ(base::read_file(parts.path / "checkpoint.safetensors"),
            base::read_file(whole.path / "checkpoint.safetensors"));
}

TEST(Pretrain, ThreadsDoNotChangeASingleBit) {
  const auto table = sample_table(2);
  std::string logs[2];
  PretrainOptions o = small_options();
  o.length = 128;  // two windows a slice, so four slices
  for (int k = 0; k < 2; ++k) {
    Scratch out("threads");
    o.threads = k + 1;
    pretrain(table, o, out.path, kGo, {});
    logs[k] = base::read_file(out.path / "training.jsonl") + base::read_file(out.path / "model.safetensors");
  }
  EXPECT_EQ(logs[0], logs[1]);
}

TEST(Pretrain, RefusesACheckpointOfAnotherModel) {
  const auto table = sample_table(2);
  Scratch out("other");
  PretrainOptions o = small_options();
  o.steps = 2;
  pretrain(table, o, out.path, kGo, {});
  o.resume = true;
  o.spec.layers = 3;
  EXPECT_THROW(pretrain(table, o, out.path, kGo, {}), base::Error);
}

TEST(Pretrain, AnEmptyPeriodIsAClearError) {
  const auto table = sample_table(2);
  Scratch out("empty");
  PretrainOptions o = small_options();
  o.train = {0, 10};
  EXPECT_THROW(pretrain(table, o, out.path, kGo, {}), base::Error);
}

std::string error_of(const series::FrameTable& table, const PretrainOptions& o) {
  try {
    training_periods(table, o);
  } catch (const base::Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Pretrain, PeriodsOutsideTheStoreAreRefusedByName) {
  const auto table = sample_table(2);
  PretrainOptions o = small_options();
  o.validation = {table.end_step + 10, table.end_step + 20};
  EXPECT_THAT(error_of(table, o), testing::HasSubstr("--validation: the store has no frame from"));
  EXPECT_THAT(error_of(table, o),
              testing::HasSubstr(base::format_time((table.end_step + 10) * table.step_ms)));
  EXPECT_THAT(error_of(table, o), testing::HasSubstr(base::format_time(table.end_step * table.step_ms)));
  o.validation = {};
  o.train = {0, 10};
  EXPECT_THAT(error_of(table, o), testing::HasSubstr("--train: the store has no frame from"));
  o.train = {};
  o.validation = {table.first_step, table.first_step + 20};
  EXPECT_THAT(error_of(table, o), testing::HasSubstr("later than the training period"));
}

TEST(Pretrain, TrainsOnAllButTheValidationPeriod) {
  const auto table = sample_table(2);
  PretrainOptions o = small_options();
  o.validation = {table.end_step - 30, INT64_MAX};
  auto p = training_periods(table, o);
  EXPECT_EQ(p.train.from, table.first_step);
  EXPECT_EQ(p.train.to, table.end_step - 30);
  EXPECT_EQ(p.validation.to, table.end_step);
  o.validation = {};
  p = training_periods(table, o);
  EXPECT_EQ(p.validation.to - p.validation.from, (table.end_step - table.first_step) / 10);
}

TEST(Pretrain, DefaultHorizonsAreAsFarAsTrainingAllows) {
  auto table = sample_table(2);  // hourly
  PretrainOptions o = small_options();
  EXPECT_THAT(default_horizons(table, o), testing::ElementsAre(1, 4, 5, 15));
  o.train = {table.first_step, table.first_step + 20};
  EXPECT_THAT(default_horizons(table, o), testing::ElementsAre(1, 4, 5));
  table.step_ms = 60'000;
  o.train = {};
  EXPECT_THAT(default_horizons(table, o), testing::ElementsAre(1, 5, 15, 60, 240));
}

TEST(Pretrain, WarnsOfLittleToLearnFrom) {
  const auto table = sample_table(2, 1, 4);
  PretrainOptions o = small_options();
  o.spec.input.leads = {1, 12};
  const auto warnings = training_warnings(table, o);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_THAT(warnings[0], testing::HasSubstr("frames of 1 nodes"));
  EXPECT_THAT(warnings[1],
              testing::HasSubstr("the validation period has 9 steps, and the longest horizon is 12"));
  auto much = sample_table(2, 20, 60);
  EXPECT_THAT(training_warnings(much, o), testing::IsEmpty());
}

TEST(Pretrain, TheCardGivesTimes) {
  const auto table = sample_table(2);
  Scratch out("card");
  PretrainOptions o = small_options();
  o.steps = 1;
  pretrain(table, o, out.path, kGo, {});
  const std::string card = base::read_file(out.path / "card.md");
  EXPECT_THAT(card,
              testing::HasSubstr("validated on " + base::format_time((table.end_step - 96) * table.step_ms) +
                                 " to " + base::format_time(table.end_step * table.step_ms)));
}

TEST(Network, ChunksWithACacheEqualOnePass) {
  const auto table = sample_table(3, 3, 20);
  Scratch out("chunks");
  PretrainOptions o = small_options();
  o.steps = 2;
  pretrain(table, o, out.path, kGo, {});
  const Backbone backbone(out.path, "cpu", 1);
  const Network& network = backbone.impl().network;
  const Positions positions(table, backbone.encoder(), INT64_MIN, INT64_MAX);
  torch::NoGradGuard no_grad;
  const size_t n = positions.count(0);
  WindowBatch batch;
  batch.resize(1, n, backbone.encoder());
  fill_window(positions, 0, 0, nullptr, false, 0, batch);
  const auto whole = network.hidden(to_inputs(batch, backbone.spec(), backbone.encoder(), torch::kCPU));
  Cache cache;
  double worst = 0;
  for (size_t first = 0; first < n; first += 50) {
    const size_t length = std::min<size_t>(50, n - first);
    batch.resize(1, length, backbone.encoder());
    fill_window(positions, 0, first, nullptr, false, 0, batch);
    const auto part =
        network.hidden(to_inputs(batch, backbone.spec(), backbone.encoder(), torch::kCPU), &cache);
    const auto same = whole.narrow(1, static_cast<int64_t>(first), static_cast<int64_t>(length));
    worst = std::max(worst, (part - same).abs().max().item<double>());
  }
  EXPECT_LT(worst, 1e-4);
}

TEST(Windows, AreCausalAndInjectedStepsAreMarked) {
  const auto table = sample_table(4, 2, 10);
  token::TokenFit fit;
  for (size_t r = 0; r < table.rows(); ++r) fit.add(table.frame(r));
  const auto tokenizer = fit.finish({});
  const token::Encoder encoder(tokenizer, {});
  const Positions positions(table, encoder, INT64_MIN, INT64_MAX);
  WindowBatch plain;
  WindowBatch flooded;
  plain.resize(1, 60, encoder);
  flooded.resize(1, 60, encoder);
  Flood flood;
  flood.first_step = positions.step(0, 30);
  flood.flows = {1e5f, 1e5f, 1e5f};
  fill_window(positions, 0, 10, nullptr, true, 0, plain);
  fill_window(positions, 0, 10, &flood, true, 0, flooded);
  int marked = 0;
  for (size_t p = 0; p < 60; ++p) {
    const bool in = flooded.steps[p] >= flood.first_step && flooded.steps[p] <= flood.last_step();
    EXPECT_EQ(flooded.inject[p] == 1, in && flooded.valid[p] == 1);
    marked += in ? 1 : 0;
    if (flooded.steps[p] >= flood.first_step) continue;
    for (size_t k = 0; k < encoder.slots(); ++k)
      EXPECT_EQ(flooded.ids[p * encoder.slots() + k], plain.ids[p * encoder.slots() + k]);
  }
  EXPECT_EQ(marked, 3);
}

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

// What only the hidden state can know: an attack is a step of ordinary size whose protocol share is turned around.
struct TuneTask {
  explicit TuneTask(uint64_t seed) : table(sample_table(seed, 4, 40)) {
    int32_t event = -1;
    for (size_t r = 0; r < table.rows(); ++r) {
      auto& share = table.values[r * series::kFeatureCount + series::kTcpShareIn];
      const bool attack = r % 53 < 4 && r > 53;
      share = attack ? 0.95f : 0.3f * share;
      if (attack && r % 53 == 0) ++event;
      const int64_t steps = table.end_step - table.first_step;
      const bool late = table.steps[r] >= table.first_step + steps * 3 / 4;
      examples.push_back({r, attack ? event : -1, late});
    }
  }
  series::FrameTable table;
  std::vector<Example> examples;
};

TuneOptions small_tuning(const std::string& what) {
  TuneOptions t;
  t.what = what;
  t.rank = 4;
  t.probe_steps = 20;
  t.steps = 40;
  t.batch = 8;
  t.length = 48;
  t.evaluate_every = 10;
  t.learning_rate = what == "all" ? 2e-3 : 5e-3;
  return t;
}

TEST(Tune, LearnsTheTaskAndItsFolderHoldsWhatItLearnt) {
  const TuneTask task(11);
  Scratch pretrained("tune_from");
  PretrainOptions o = small_options();
  pretrain(task.table, o, pretrained.path, kGo, {});
  for (const std::string what : {"adapters", "all"}) {
    for (const std::string loss : {"bce", "safe"}) {
      SCOPED_TRACE(what + " " + loss);
      auto options = small_tuning(what);
      options.loss = loss;
      Backbone backbone(pretrained.path, "cpu", 2);
      const TuneResult r = tune(backbone, task.table, task.examples, options, kGo, {});
      EXPECT_GT(r.kept, 0);
      EXPECT_LT(r.best, 0.9 * r.before);
      Scratch out("tuned" + what + loss);
      base::fs::copy(pretrained.path, out.path);
      save_tuned(backbone, out.path, "- tuned\n");
      EXPECT_EQ(base::fs::exists(out.path / model::kAdaptersFile), what == "adapters");
      const FeatureCache tuned = backbone.scan(task.table, {}, kGo, {});
      const FeatureCache again = Backbone(out.path, "cpu", 1).scan(task.table, {}, kGo, {});
      const FeatureCache before = Backbone(pretrained.path, "cpu", 1).scan(task.table, {}, kGo, {});
      ASSERT_EQ(tuned.z.size(), again.z.size());
      double moved = 0;
      for (size_t k = 0; k < tuned.z.size(); ++k) {
        ASSERT_NEAR(tuned.z[k], again.z[k], 2e-4) << k;
        moved = std::max(moved, std::abs(double{tuned.z[k]} - double{before.z[k]}));
      }
      EXPECT_GT(moved, 0.05);
    }
  }
}

TEST(Tune, IsTheSameForEveryNumberOfThreads) {
  const TuneTask task(12);
  Scratch pretrained("tune_threads");
  PretrainOptions o = small_options();
  o.steps = 4;
  pretrain(task.table, o, pretrained.path, kGo, {});
  std::string first;
  for (const int threads : {1, 2}) {
    Backbone backbone(pretrained.path, "cpu", threads);
    auto options = small_tuning("adapters");
    options.steps = 10;
    EXPECT_GT(tune(backbone, task.table, task.examples, options, kGo, {}).kept, 0);
    Scratch out(fmt::format("tuned_by_{}", threads));
    base::fs::copy(pretrained.path, out.path);
    save_tuned(backbone, out.path, "- tuned\n");
    const std::string learnt = base::read_file(out.path / model::kAdaptersFile);
    if (first.empty()) first = learnt;
    EXPECT_TRUE(first == learnt);
  }
}

TEST(Tune, KeepsTheModelWhereNothingHelps) {
  TuneTask task(13);
  // Labels by chance: what is learnt from them does not hold in the validation period.
  base::Random random(1);
  int32_t event = 0;
  for (auto& e : task.examples) e.group = random.chance(0.1) ? event++ : -1;
  Scratch pretrained("tune_chance");
  PretrainOptions o = small_options();
  pretrain(task.table, o, pretrained.path, kGo, {});
  Backbone backbone(pretrained.path, "cpu", 2);
  auto options = small_tuning("all");
  options.keep = 0;
  options.patience = 2;
  options.learning_rate = 2e-2;
  const TuneResult r = tune(backbone, task.table, task.examples, options, kGo, {});
  EXPECT_EQ(r.steps, 20);  // two evaluations
  EXPECT_EQ(r.kept, 0);
  EXPECT_EQ(backbone.scan(task.table, {}, kGo, {}).z,
            Backbone(pretrained.path, "cpu", 2).scan(task.table, {}, kGo, {}).z);
}

TEST(Tune, RefusesWhatItCannotDo) {
  const TuneTask task(14);
  Scratch pretrained("tune_refuses");
  PretrainOptions o = small_options();
  o.steps = 2;
  pretrain(task.table, o, pretrained.path, kGo, {});
  auto options = small_tuning("adapters");
  options.probe_steps = options.steps = 1;
  Backbone backbone(pretrained.path, "cpu", 1);
  std::vector<Example> benign;
  for (const auto& e : task.examples)
    if (e.group < 0) benign.push_back(e);
  EXPECT_THROW(tune(backbone, task.table, benign, options, kGo, {}), base::Error);
  options.what = "some";
  EXPECT_THROW(tune(backbone, task.table, task.examples, options, kGo, {}), base::UsageError);
  options.what = "adapters";
  base::StopFlag stop;
  stop.request();
  EXPECT_THROW(tune(backbone, task.table, task.examples, options, stop, {}), base::Stopped);
  tune(backbone, task.table, task.examples, options, kGo, {});
  save_tuned(backbone, pretrained.path, "");
  Backbone adapted(pretrained.path, "cpu", 1);
  EXPECT_THROW(tune(adapted, task.table, task.examples, options, kGo, {}), base::Error);
}

}  // namespace
}  // namespace netflowgen::learn
