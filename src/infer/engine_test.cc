#include "infer/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "infer/testing_drive.h"

namespace netflowgen::infer {
namespace {

using namespace testing;

TEST(Engine, StreamingEqualsTheFullForward) {
  struct Case {
    const char* name;
    std::function<void(model::ModelSpec&)> change;
    int frames;
  };
  const Case cases[] = {
      {"default", [](auto&) {}, 90},
      {"active steps only", [](auto& s) { s.input.idle_steps = 0; }, 60},
      {"seasons",
       [](auto& s) {
         s.input.season_lags = {7, 30};
         s.input.leads = {1, 4, 30};
       },
       60},
      {"own units",
       [](auto& s) {
         s.input.scales = {3, 12, 1440};
         s.input.season_lags = {7, 30};
         s.input.leads = {1, 4};
       },
       60},
      {"own units, every step",
       [](auto& s) {
         s.input.scales = {4};
         s.input.idle_steps = -1;
         s.window = 20;
       },
       20},
      {"universal",
       [](auto& s) {
         s.input.universal = true;
         s.input.scales = {300, 1'800, 86'400, 604'800};
         s.input.leads = {1, 4, 144};
       },
       90},
      {"universal, steps of five seconds",
       [](auto& s) {
         s.input.universal = true;
         s.input.step_ms = 5'000;
         s.input.scales = {300, 86'400};
         s.input.leads = {1};
       },
       60},
      {"universal, steps of an hour",
       [](auto& s) {
         s.input.universal = true;
         s.input.step_ms = 3'600'000;
         s.input.scales = {300, 86'400};
         s.input.leads = {1};
       },
       60},
      {"paper",
       [](auto& s) {
         s = model::ModelSpec::preset_of("paper", "nano");
         s.window = 20;
         s.input.nodes = 4;
         s.input.idle_steps = 40;
       },
       30},
      {"odd sizes",
       [](auto& s) {
         s.d_model = 36;
         s.heads = 6;
         s.kv_heads = 2;
         s.d_ff = 42;
         s.window = 7;
         s.layers = 2;
       },
       60},
      {"one kv head a head, no dense",
       [](auto& s) {
         s.kv_heads = 4;
         s.input.dense = false;
         s.inject = false;
         s.input.leads = {};
         s.tasks[0].trees = 0;
       },
       60},
      {"window of one", [](auto& s) { s.window = 1; }, 30},
  };
  uint64_t seed = 1;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto spec = small_spec();
    c.change(spec);
    const RandomModel random(spec, ++seed);
    const auto nodes = random_nodes(seed, 3, c.frames);
    Engine engine(Model::load(random.path()), {});
    const auto found = run_all(engine, nodes);
    const double worst = distance(found, reference_of(random.path(), nodes, end_of(nodes)));
    EXPECT_LT(worst, 1e-4);
    std::printf("%-32s %8zu positions, largest difference %.2g\n", c.name, positions_of(found), worst);
    EXPECT_TRUE(engine.items_ledger().balanced());
  }
}

// The first lead in one unit for every model, from what is known of the node at that step.
TEST(Engine, ForecastsAreRelativeToTheLevel) {
  for (const std::vector<int>& scales : {std::vector<int>{}, std::vector<int>{3, 12}}) {
    auto spec = small_spec();
    spec.input.scales = scales;
    spec.input.leads = {1, 4};
    const RandomModel random(spec, 5);
    const auto model = Model::load(random.path());
    const auto& encoder = model->encoder();
    Engine engine(model, {});
    token::NodeState state;
    base::Random frames(9);
    Results r;
    const size_t quantiles = spec.quantiles.size();
    for (int64_t step = kStart; step < kStart + 40; ++step) {
      const auto frame = random_frame(frames, 12);
      const Item item{1, step, frame};
      engine.step({&item, 1}, kAll, r);
      encoder.advance(state, step, frame);
      ASSERT_EQ(r.forecast.size(), encoder.volumes() * quantiles);
      for (size_t k = 0; k < r.forecast.size(); ++k) {
        const size_t v = k / quantiles;
        const double value = encoder.decode_target(state, v, r.direct[k]);
        const double expected = scales.empty() ? r.direct[k] : std::log1p(value) - state.level[v];
        EXPECT_NEAR(r.forecast[k], expected, 1e-5);
      }
    }
    Wanted less = kAll;
    less.direct = less.forecast = false;
    const auto frame = random_frame(frames, 12);
    const Item item{1, kStart + 40, frame};
    engine.step({&item, 1}, less, r);
    EXPECT_TRUE(r.direct.empty() && r.forecast.empty());
  }
}

// Each step is peeked at before it is stepped, together with the two after it: peeking finds what stepping will find, and
// leaves no trace.
TEST(Engine, PeekFindsWhatStepWillAndChangesNothing) {
  for (const Precision cache : {Precision::kFloat32, Precision::kInt8}) {
    for (const bool seasons : {false, true}) {
      auto spec = small_spec();
      if (seasons) {
        spec.input.season_lags = {7, 30};
        spec.input.scales = {3, 12};
      }
      const RandomModel files(spec, 11);
      const auto model = Model::load(files.path());
      EngineOptions options;
      options.cache = cache;
      Engine looked(model, options);
      Engine plain(model, options);
      const auto nodes = random_nodes(5, 3, 40);
      Results peeked;
      Results stepped;
      Results same;
      size_t compared = 0;
      for (size_t n = 0; n < nodes.size(); ++n) {
        for (auto it = nodes[n].begin(); it != nodes[n].end(); ++it) {
          std::vector<Item> ahead;
          for (auto next = it; next != nodes[n].end() && ahead.size() < 3; ++next)
            ahead.push_back({n, next->first, next->second});
          looked.peek(ahead, kAll, peeked);
          const Item item{n, it->first, it->second};
          looked.step({&item, 1}, kAll, stepped);
          plain.step({&item, 1}, kAll, same);
          ASSERT_EQ(stepped.surprise, same.surprise);
          ASSERT_EQ(stepped.tasks, same.tasks);
          if (it == nodes[n].begin()) {
            EXPECT_EQ(peeked.drop[0], Drop::kUnknownNode);
            continue;
          }
          ASSERT_TRUE(peeked.stepped(0));
          EXPECT_EQ(peeked.position[0], stepped.position[0]);
          for (size_t i = 0; i < stepped.hidden.size(); ++i) ASSERT_EQ(peeked.hidden[i], stepped.hidden[i]);
          for (size_t i = 0; i < stepped.surprise.size(); ++i)
            ASSERT_EQ(peeked.surprise[i], stepped.surprise[i]);
          ++compared;
        }
      }
      EXPECT_GT(compared, 60u);
      EXPECT_EQ(looked.items_ledger().in, plain.items_ledger().in);
      EXPECT_EQ(looked.caught_up(), plain.caught_up());
      const auto folder = base::fs::temp_directory_path();
      const auto a = folder / ("nfg_peek_a_" + std::to_string(::getpid()));
      const auto b = folder / ("nfg_peek_b_" + std::to_string(::getpid()));
      looked.save(a);
      plain.save(b);
      EXPECT_EQ(base::read_file(a), base::read_file(b));
      base::fs::remove(a);
      base::fs::remove(b);
    }
  }
}

TEST(Engine, PeekDropsWhatStepWouldDrop) {
  const RandomModel files(small_spec(), 3);
  Engine engine(Model::load(files.path()), {});
  base::Random random(1);
  const auto frame = random_frame(random, 12);
  Results r;
  const Item first{7, kStart, frame};
  engine.step({&first, 1}, kAll, r);
  const std::vector<float> cut(frame.begin(), frame.end() - 1);
  const std::vector<Item> items = {
      {7, kStart, frame}, {7, kStart + 1, cut}, {7, kStart + 50'000'000, frame}, {7, kStart + 1, frame}};
  engine.peek(items, kAll, r);
  EXPECT_EQ(r.drop, (std::vector<Drop>{Drop::kClockBack, Drop::kBadFrame, Drop::kClockAhead, Drop::kNone}));
  EXPECT_EQ(engine.clock(), kStart);
}

}  // namespace
}  // namespace netflowgen::infer
