// Laws of pre-training: it learns, resumes exactly, and walks in chunks as in one pass.
#include "learn/feature_cache.h"
#include "learn/pretrain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "learn/network/backbone.h"
#include "learn/network/batch_feed.h"
#include "learn/network/corpus_windows.h"
#include "learn/network/disguise.h"
#include "learn/network/window_sampler.h"
#include "learn/testing.h"

namespace netflowgen::learn {
namespace {

using namespace testing;

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

// The mean is what is kept, it survives a stop, and without it the weights are.
TEST(Pretrain, KeepsTheMeanOfTheWeights) {
  const auto table = sample_table(2);
  PretrainOptions o = small_options();
  Scratch plain("plain");
  const double last = pretrain(table, o, plain.path, kGo, {}).best_validation;
  o.average = 0.9;
  Scratch whole("whole");
  Scratch parts("parts");
  const double mean = pretrain(table, o, whole.path, kGo, {}).best_validation;
  EXPECT_NE(mean, last);
  EXPECT_NEAR(mean, last, 0.2 * last);
  base::StopFlag stop;
  pretrain(table, o, parts.path, stop, [&](const base::Progress& p) {
    if (p.done == 7) stop.request();
  });
  o.resume = true;
  pretrain(table, o, parts.path, kGo, {});
  for (const char* file : {"training.jsonl", "model.safetensors", "checkpoint.safetensors"})
    EXPECT_EQ(base::read_file(parts.path / file), base::read_file(whole.path / file)) << file;
}

// What a GPU is given is what the CPU would have been given, and a run that stops between two batches loses none.
TEST(Pretrain, BatchesFilledAheadAreThoseDrawnInTurn) {
  const auto table = sample_table(2);
  PretrainOptions o = small_options();
  o.threads = 2;
  o.spec.input.step_ms = table.step_ms;
  const token::Encoder encoder(token::Tokenizer::universal(), o.spec.input);
  const Positions positions(table, encoder, table.first_step, table.end_step);
  const WindowSampler sampler(positions, static_cast<size_t>(o.length), 0.5);
  const torch::Device cpu(torch::kCPU);
  BatchFeed in_turn(o, encoder, cpu, false);
  BatchFeed ahead(o, encoder, cpu, true);
  base::Random one(5);
  base::Random other(5);
  for (int k = 0; k < 4; ++k) {
    auto a = in_turn.next(sampler, one, true);
    auto b = ahead.next(sampler, other, k < 3);
    EXPECT_EQ(ahead.cursor(other).state(), in_turn.cursor(one).state()) << k;
    ASSERT_EQ(a.slices.size(), b.slices.size());
    EXPECT_EQ(a.counts.next, b.counts.next);
    for (size_t s = 0; s < a.slices.size(); ++s) {
      EXPECT_EQ(a.slices[s].ids, b.slices[s].ids);
      EXPECT_EQ(a.slices[s].steps, b.slices[s].steps);
      EXPECT_EQ(a.slices[s].next, b.slices[s].next);
      EXPECT_EQ(a.slices[s].inject, b.slices[s].inject);
    }
    in_turn.recycle(std::move(a));
    ahead.recycle(std::move(b));  // its room is filled anew
  }
}

TEST(Pretrain, OnAGpuTheLossesAreThoseOfTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "skipped: no CUDA device";
  const auto table = sample_table(2);
  double losses[2];
  for (int k = 0; k < 2; ++k) {
    Scratch out("gpu");
    PretrainOptions o = small_options();
    o.device = k == 0 ? "cpu" : "cuda";
    losses[k] = pretrain(table, o, out.path, kGo, {}).best_validation;
  }
  EXPECT_NEAR(losses[0], losses[1], 0.01 * losses[0]);  // TF32 has three digits
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
  EXPECT_THAT(error_of(table, o), ::testing::HasSubstr("--validation: the store has no frame from"));
  EXPECT_THAT(error_of(table, o),
              ::testing::HasSubstr(base::format_time((table.end_step + 10) * table.step_ms)));
  EXPECT_THAT(error_of(table, o), ::testing::HasSubstr(base::format_time(table.end_step * table.step_ms)));
  o.validation = {};
  o.train = {0, 10};
  EXPECT_THAT(error_of(table, o), ::testing::HasSubstr("--train: the store has no frame from"));
  o.train = {};
  o.validation = {table.first_step, table.first_step + 20};
  EXPECT_THAT(error_of(table, o), ::testing::HasSubstr("later than the training period"));
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
  EXPECT_THAT(default_horizons(table, o), ::testing::ElementsAre(1, 4, 5, 15));
  o.train = {table.first_step, table.first_step + 20};
  EXPECT_THAT(default_horizons(table, o), ::testing::ElementsAre(1, 4, 5));
  table.step_ms = 60'000;
  o.train = {};
  EXPECT_THAT(default_horizons(table, o), ::testing::ElementsAre(1, 5, 15, 60, 240));
}

TEST(Pretrain, WarnsOfLittleToLearnFrom) {
  const auto table = sample_table(2, 1, 4);
  PretrainOptions o = small_options();
  o.spec.input.leads = {1, 12};
  const auto warnings = training_warnings(table, o);
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_THAT(warnings[0], ::testing::HasSubstr("frames of 1 nodes"));
  EXPECT_THAT(warnings[1],
              ::testing::HasSubstr("the validation period has 9 steps, and the longest horizon is 12"));
  auto much = sample_table(2, 20, 60);
  EXPECT_THAT(training_warnings(much, o), ::testing::IsEmpty());
}

TEST(Pretrain, TheCardGivesTimes) {
  const auto table = sample_table(2);
  Scratch out("card");
  PretrainOptions o = small_options();
  o.steps = 1;
  pretrain(table, o, out.path, kGo, {});
  const std::string card = base::read_file(out.path / "card.md");
  EXPECT_THAT(
      card, ::testing::HasSubstr("validated on " + base::format_time((table.end_step - 96) * table.step_ms) +
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

// A disguised window has the same traffic at another time, without what is hidden; neither inputs nor targets give it away.
TEST(Windows, ADisguiseHidesFeaturesAndMovesTheClock) {
  const auto table = sample_table(5, 2, 10);
  const auto tokenizer = token::Tokenizer::universal();
  token::InputSpec input = model::ModelSpec::preset_of("universal", "nano").input;
  input.step_ms = table.step_ms;
  const token::Encoder encoder(tokenizer, input);
  const Positions positions(table, encoder, INT64_MIN, INT64_MAX);
  const Disguise disguise(encoder);
  WindowBatch plain;
  plain.resize(1, 48, encoder);
  fill_window(positions, 0, 20, nullptr, true, 0, plain);
  const size_t slot = encoder.calendar_slot();
  int hidden = 0;
  int kept = 0;
  int moved = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    WindowBatch w = plain;
    disguise.apply(seed, 0.5, 0, w);
    const auto time = [&](const WindowBatch& batch, size_t p) {
      const int64_t* ids = &batch.ids[p * encoder.slots() + slot];
      return (ids[1] - encoder.id_of(slot + 1, 0)) * 144 + ids[0] - encoder.id_of(slot, 0);
    };
    moved += time(w, 0) != time(plain, 0) ? 1 : 0;
    for (size_t p = 1; p < 48; ++p)
      EXPECT_EQ((time(w, p) - time(w, 0) + 1008) % 1008, (time(plain, p) - time(plain, 0) + 1008) % 1008);
    EXPECT_EQ(w.inject, plain.inject);
    for (size_t c = 0; c < encoder.levels(); ++c) {
      const auto feature = tokenizer.channels()[c].feature;
      const bool gone = w.next[c] == kIgnore && plain.next[c] != kIgnore;
      (gone ? hidden : kept) += 1;
      EXPECT_FALSE(gone && feature == series::kFlowsIn);
      for (size_t p = 0; p < 48; ++p) {
        const int64_t id = w.ids[p * encoder.slots() + c];
        EXPECT_EQ(id, gone ? encoder.id_of(c, token::kMissing) : plain.ids[p * encoder.slots() + c]);
      }
      if (feature != series::kBytesIn || !gone) continue;
      const auto columns = encoder.dense_columns();
      for (size_t d = 0; d < columns.size(); ++d) {
        if (columns[d].name.starts_with("bytes_in")) {
          EXPECT_EQ(w.dense[5 * encoder.dense() + d], 0) << columns[d].name;
        }
      }
    }
  }
  EXPECT_GT(moved, 55);
  EXPECT_GT(hidden, 60 * static_cast<int>(encoder.levels()) / 10);
  EXPECT_GT(kept, hidden);
}

// What looks like an attack is rare, and a window drawn by its node alone hardly ever has one.
TEST(Windows, OfACorpusLieAroundAttacksAndWhatLooksLikeThem) {
  CorpusNetwork n{"one", sample_table(7), true, {}, {}, 1};
  const int64_t first = n.table.first_step;
  n.attacks.resize(n.table.nodes.size());
  n.lookalikes.resize(n.table.nodes.size());
  n.attacks[0] = {{first + 66, first + 69, 0}};
  n.lookalikes[1] = {{first + 306, first + 308, 0}};
  n.lookalikes[2] = {{first + 500, first + 502, 1}, {first + 700, first + 702, 1}};
  const std::vector<CorpusNetwork> networks(1, n);
  token::TokenFit fit;
  for (size_t r = 0; r < n.table.rows(); ++r) fit.add(n.table.frame(r));
  const auto tokenizer = fit.finish({});
  const size_t length = 24;
  const CorpusSampler sampler(networks, tokenizer, small_options().spec.input, {length});
  base::Random random(1);
  const auto plans = sampler.plan(random, 4000);
  WindowBatch batch;
  const token::Encoder encoder(tokenizer, small_options().spec.input);
  std::array<double, 3> share = {};  // with the attack, with each kind
  for (const auto& plan : plans) {
    batch.resize(1, length, encoder);
    sampler.fill_one(plan, 0, batch);
    const auto covers = [&](size_t node, int64_t from, int64_t to) {
      bool any = false;
      for (size_t p = 0; p < length; ++p)
        any |= batch.valid[p] != 0 && batch.steps[p] >= from && batch.steps[p] < to;
      return any && plan.node == node;
    };
    const double one = 1.0 / static_cast<double>(plans.size());
    if (covers(0, first + 66, first + 69)) {
      share[0] += one;
      EXPECT_GT(std::count(batch.inject.begin(), batch.inject.end(), 1.0f), 0);
    }
    if (covers(1, first + 306, first + 308)) {
      share[1] += one;
      EXPECT_EQ(std::count(batch.inject.begin(), batch.inject.end(), 1.0f), 0) << "learnt as an attack";
    }
    if (covers(2, first + 500, first + 502) || covers(2, first + 700, first + 702)) share[2] += one;
  }
  EXPECT_NEAR(share[0], 0.46, 0.04);
  EXPECT_NEAR(share[1], 0.11, 0.03);
  EXPECT_NEAR(share[2], 0.12, 0.03);
}

}  // namespace
}  // namespace netflowgen::learn
