// Laws of the engine over random models and series: what a node gets is its own affair. Threads, batches and the
// order of items change no bit; instruction sets agree; number formats stay near; sleep and silence are as documented.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infer/testing_drive.h"

namespace netflowgen::infer {
namespace {

using namespace testing;

constexpr Precision kPrecisions[] = {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8};

model::ModelSpec odd_spec() {
  auto s = small_spec();
  s.d_model = 36;
  s.heads = 6;
  s.kv_heads = 2;
  s.d_ff = 42;
  s.window = 7;
  s.layers = 2;
  s.input.season_lags = {7, 30};
  s.input.leads = {1, 4};
  return s;
}

// More nodes at a time than a kernel's tile has rows: batches end in parts of tiles.
TEST(Laws, ThreadsBatchesAndOrderChangeNoBit) {
  const auto nodes = random_nodes(3, 40, 6);
  for (const auto& spec : {small_spec(), odd_spec()}) {
    const RandomModel random(spec, 4);
    for (const auto precision : kPrecisions) {
      const auto model = Model::load(random.path(), {.precision = precision});
      Engine one(model, {.cache = precision, .threads = 1});
      const auto expected = run_all(one, nodes);
      EXPECT_EQ(one.threads(), 1u);
      for (const int threads : {2, 5}) {
        Engine many(model, {.cache = precision, .threads = threads});
        const Drive drive{.batch = static_cast<size_t>(1 + 4 * threads), .order = 11};
        EXPECT_EQ(distance(run_all(many, nodes, drive), expected), 0) << name_of(precision) << threads;
        EXPECT_EQ(many.threads(), static_cast<size_t>(threads));
        EXPECT_TRUE(many.items_ledger().balanced() && many.nodes_ledger().balanced());
      }
    }
  }
}

// A block is 144 positions: more nodes than that, so that threads have blocks to race for.
TEST(Laws, ManyNodesOnManyThreadsChangeNoBit) {
  auto spec = small_spec();
  spec.layers = 1;
  const RandomModel random(spec, 5);
  const auto model = Model::load(random.path());
  const auto nodes = random_nodes(6, 700, 3);
  const auto run = [&](int threads) {
    Engine engine(model, {.cache = Precision::kInt8, .threads = threads});
    std::map<uint64_t, Track> tracks;
    feed(engine, nodes, kStart, kStart + 50, {.batch = 5000}, tracks);
    return tracks;
  };
  const auto one = run(1);
  EXPECT_GT(positions_of(one), 1000u);
  EXPECT_EQ(distance(run(4), one), 0);
}

TEST(Laws, WhatTheCallerLeavesOutIsCaughtUp) {
  const auto nodes = random_nodes(8, 4, 25);
  auto paper = model::ModelSpec::preset_of("paper", "nano");
  paper.window = 5;
  auto scales = small_spec();
  scales.input.scales = {3, 12, 1440};
  for (const auto& spec : {small_spec(), odd_spec(), paper, scales}) {
    const RandomModel random(spec, 9);
    const auto model = Model::load(random.path());
    Engine told(model, {});
    const auto expected = run_all(told, nodes);
    EXPECT_EQ(told.caught_up(), 0u);
    Engine left(model, {});
    const auto found = run_all(left, nodes, {.idle = false});
    EXPECT_GT(left.caught_up(), 0u);
    for (const auto& [node, track] : found) {
      for (const auto& [step, f] : track) {
        EXPECT_LT(distance(f, expected.at(node).at(step)), 1e-4) << spec.preset << " node " << node;
      }
    }
  }
}

TEST(Laws, InstructionSetsAgree) {
  const auto nodes = random_nodes(12, 3, 60);
  for (const auto& spec : {small_spec(), odd_spec()}) {
    const RandomModel random(spec, 13);
    for (const auto precision : kPrecisions) {
      Engine slow(Model::load(random.path(), {.precision = precision, .isa = Isa::kScalar}),
                  {.cache = precision});
      const auto expected = run_all(slow, nodes);
      for (const auto isa : {Isa::kAvx2, Isa::kAvx512}) {
        if (!has_isa(isa)) continue;
        Engine fast(Model::load(random.path(), {.precision = precision, .isa = isa}), {.cache = precision});
        const double d = distance(run_all(fast, nodes), expected);
        // A cached number that lies between two steps of its format may fall to either side.
        EXPECT_LT(d, precision == Precision::kFloat32 ? 1e-4 : 0.02);
        std::printf("%-8s %-8s largest difference to scalar %.2g\n", std::string(name_of(precision)).c_str(),
                    std::string(name_of(isa)).c_str(), d);
      }
    }
  }
}

// Root mean square of the differences of the hidden vectors, relative to that of the vectors.
double hidden_error(const std::map<uint64_t, Track>& a, const std::map<uint64_t, Track>& b) {
  double error = 0;
  double size = 0;
  for (const auto& [node, track] : b) {
    for (const auto& [step, f] : track) {
      for (size_t i = 0; i < f.hidden.size(); ++i) {
        error += std::pow(a.at(node).at(step).hidden[i] - f.hidden[i], 2);
        size += std::pow(f.hidden[i], 2);
      }
    }
  }
  return std::sqrt(error / size);
}

TEST(Laws, NumberFormatsStayNear) {
  const auto nodes = random_nodes(14, 3, 60);
  const RandomModel random(small_spec(), 15);
  Engine exact(Model::load(random.path()), {});
  const auto expected = run_all(exact, nodes);
  for (const auto weights : kPrecisions) {
    for (const auto cache : kPrecisions) {
      Engine engine(Model::load(random.path(), {.precision = weights}), {.cache = cache});
      const double e = hidden_error(run_all(engine, nodes), expected);
      const bool int8 = weights == Precision::kInt8 || cache == Precision::kInt8;
      const bool same = weights == Precision::kFloat32 && cache == Precision::kFloat32;
      EXPECT_LT(e, same ? 1e-12 : int8 ? 0.03 : 0.01);
      std::printf("weights %-8s cache %-8s error of hidden %.2g\n", std::string(name_of(weights)).c_str(),
                  std::string(name_of(cache)).c_str(), e);
    }
  }
}

// Adapters of random matrices, and the same model with weights that were merged by hand.
TEST(Laws, AdaptersAreWeightsMergedByHand) {
  const auto spec = small_spec();
  const RandomModel adapted(spec, 31);
  const RandomModel merged(spec, 31);  // the same weights
  const auto nodes = random_nodes(32, 2, 30);
  Engine plain(Model::load(adapted.path()), {});
  const auto before = run_all(plain, nodes);
  const std::string hash = plain.model().backbone_hash();

  const RandomAdapters adapters(adapted.path(),
                                {"layers.1.attn.qkv.weight", "layers.0.ffn.down.weight", "next.weight"}, 33);
  adapters.write(adapted.path());
  adapters.merge_into(merged.path());
  for (const auto precision : kPrecisions) {
    Engine a(Model::load(adapted.path(), {.precision = precision}), {});
    Engine b(Model::load(merged.path(), {.precision = precision}), {});
    EXPECT_LT(distance(run_all(a, nodes), run_all(b, nodes)), precision == Precision::kFloat32 ? 1e-4 : 0.2);
    EXPECT_NE(a.model().backbone_hash(), hash);  // a state of the model without them is another's
  }
  Engine a(Model::load(adapted.path()), {});
  EXPECT_GT(distance(run_all(a, nodes), before), 0.01);
}

TEST(Laws, ASilentNodeSleepsAfterRSteps) {
  const RandomModel random(small_spec(), 16);  // R is 3
  Engine engine(Model::load(random.path()), {});
  const std::vector<float> frame(series::kFeatureCount, 1.0f);
  Results r;
  engine.step(std::vector<Item>{{1, kStart, frame, {}, 0}}, kAll, r);
  for (int64_t step = kStart + 1; step <= kStart + 3; ++step) {
    const auto due = engine.idle_items(step);
    ASSERT_EQ(due.size(), 1u);
    engine.step(due, kAll, r);
    EXPECT_TRUE(r.stepped(0));
  }
  EXPECT_TRUE(engine.idle_items(kStart + 4).empty());
  engine.step(std::vector<Item>{{1, kStart + 4, {}, {}, 0}}, kAll, r);
  EXPECT_EQ(r.drop[0], Drop::kAsleep);
  EXPECT_EQ(engine.caught_up(), 0u);
}

TEST(Laws, SilenceIsASurvivalFunction) {
  const RandomModel random(small_spec(), 17);
  Engine engine(Model::load(random.path()), {});
  const auto nodes = random_nodes(18, 1, 20);
  const auto tracks = run_all(engine, nodes);
  const int64_t last = tracks.at(0).rbegin()->first;
  double before = 1;
  EXPECT_EQ(engine.silence(0, last), 1);
  EXPECT_NEAR(engine.silence(0, last + 1), 1, 1e-9);  // its next frame comes after one step or later
  for (int64_t gap = 1; gap < 100000; gap += 1 + gap / 3) {
    const double p = engine.silence(0, last + gap);
    EXPECT_GE(p, 0);
    EXPECT_LE(p, before + 1e-12);
    before = p;
  }
  EXPECT_EQ(engine.silence(99, last), 1);  // not a node of the engine
}

}  // namespace
}  // namespace netflowgen::infer
