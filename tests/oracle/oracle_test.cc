// The law that detection depends on: what the engine gives step by step, with cached keys and values and without
// LibTorch, is what LibTorch gives for the whole series in one pass. Random models, random series with long gaps,
// many windows long; every output at every position.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_zone.h"
#include "infer/testing_drive.h"
#include "learn/stream.h"

namespace netflowgen {
namespace {

using namespace infer::testing;
using infer::Engine;
using infer::Model;
using infer::Precision;

constexpr int kFeatures = 12;  // that the random series have

// LibTorch finds idle positions by itself up to the end of the table.
series::FrameTable table_of(const std::vector<Series>& nodes, int64_t until) {
  series::FrameTable t;
  t.first_step = kStart;
  t.end_step = until + 1;
  t.offsets.push_back(0);
  t.missing.assign(series::kFeatureCount, true);
  for (size_t f = 0; f < kFeatures; ++f) t.missing[f] = false;
  for (size_t n = 0; n < nodes.size(); ++n) {
    t.nodes.push_back("node" + std::to_string(n));
    for (const auto& [step, frame] : nodes[n]) {
      t.steps.push_back(step);
      t.values.insert(t.values.end(), frame.begin(), frame.end());
    }
    t.offsets.push_back(t.steps.size());
  }
  return t;
}

Track track_of(const learn::FullForward& full, const Model& m) {
  Track track;
  const auto& e = m.encoder();
  for (size_t p = 0; p < full.steps.size(); ++p) {
    Found f;
    f.step = full.steps[p];
    f.hidden = row(full.hidden, p, static_cast<size_t>(m.spec().d_model));
    f.surprise = row(full.surprise, p, e.target_sizes().size());
    f.next = row(full.next, p, e.target_vocabulary());
    f.inject = row(full.inject, p, m.inject().rows());
    f.direct = row(full.direct, p, m.direct().rows());
    for (size_t t = 0; t < full.tasks.size(); ++t) {
      f.tasks.push_back(row(full.tasks[t], p, static_cast<size_t>(m.spec().tasks[t].outputs())));
    }
    track[f.step] = std::move(f);
  }
  return track;
}

struct Case {
  const char* name;
  std::function<void(model::ModelSpec&)> change;
  int frames;
};

const Case kCases[] = {
    {"default, window passed many times", [](auto&) {}, 300},
    {"active steps only", [](auto& s) { s.input.idle_steps = 0; }, 120},
    {"seasonal inputs",
     [](auto& s) {
       s.input.season_lags = {7, 30};
       s.input.leads = {1, 4, 30};
     },
     80},
    // The clocks of the south go back on 2023-04-02, in the middle of the series.
    {"a zone with daylight-saving time", [](auto& s) { s.input.timezone = "Australia/Sydney"; }, 200},
    {"paper, every step",
     [](auto& s) {
       const auto tasks = s.tasks;
       s = model::ModelSpec::preset_of("paper", "nano");
       s.tasks = tasks;
       for (auto& t : s.tasks) t.use_dense = false, t.trees = 0;
       s.window = 20;
     },
     8},
    {"size small",
     [](auto& s) {
       const auto tasks = s.tasks;
       s = model::ModelSpec::preset_of("default", "small");
       s.tasks = tasks;
     },
     200},
    {"universal, with surroundings",
     [](auto& s) {
       s.input.universal = true;
       s.input.surroundings = true;
       s.input.scales = {300, 1'800, 86'400};
       s.input.leads = {1, 4};
     },
     150},
    {"odd sizes, no dense inputs, one linear head",
     [](auto& s) {
       s.d_model = 36;
       s.heads = 6;
       s.d_ff = 42;
       s.window = 7;
       s.input.dense = false;
       s.inject = false;
       s.tasks = {{"role", "classes", {"a", "b", "c", "d"}, true, true, false, 0}};
     },
     90},
};

class Oracle : public ::testing::TestWithParam<Case> {};

// What is merged at load is merged for both.
TEST(OracleAdapters, AreTheSameForBoth) {
  const RandomModel random(small_spec(), 41, kFeatures);
  RandomAdapters(random.path(), {"embed.weight", "layers.0.attn.out.weight", "next.weight"}, 42)
      .write(random.path());
  const auto nodes = random_nodes(43, 1, 60);
  const int64_t until = end_of(nodes);
  const auto model = Model::load(random.path());
  Engine engine(model, {});
  const auto found = run_all(engine, nodes);
  const learn::Backbone backbone(random.path(), "cpu", 1);
  const auto full = learn::full_forward(backbone, table_of(nodes, until), 0);
  EXPECT_LT(distance(found, {{0, track_of(full, *model)}}), 1e-4);
}

TEST_P(Oracle, StreamingEqualsLibTorchsFullForward) {
  auto spec = small_spec();
  GetParam().change(spec);
  const RandomModel random(spec, 31, kFeatures);
  const auto nodes = random_nodes(32, 2, GetParam().frames);
  const int64_t until = end_of(nodes);
  const auto zone = base::TimeZone::load(spec.input.timezone);
  const auto offset = [&](int64_t step) { return zone.offset_ms(step * spec.input.step_ms); };
  ASSERT_EQ(offset(kStart) != offset(until), !zone.is_fixed());
  const auto model = Model::load(random.path());
  Engine engine(model, {});
  std::map<uint64_t, Track> found;
  feed(engine, nodes, kStart, until, {.first_row = 1, .rows = 1000}, found);
  const learn::Backbone backbone(random.path(), "cpu", 1);
  const auto table = table_of(nodes, until);
  std::map<uint64_t, Track> expected;
  for (size_t n = 0; n < nodes.size(); ++n) {
    expected[n] = track_of(learn::full_forward(backbone, table, n), *model);
  }
  ASSERT_GT(positions_of(expected), 2 * static_cast<size_t>(spec.window));
  const double worst = distance(found, expected);
  EXPECT_LT(worst, 1e-4);
  std::printf("%-44s %7zu positions, largest difference %.2g\n", GetParam().name, positions_of(expected),
              worst);
}

INSTANTIATE_TEST_SUITE_P(Models, Oracle, ::testing::ValuesIn(kCases),
                         [](const auto& given) { return "Case" + std::to_string(given.index); });

}  // namespace
}  // namespace netflowgen
