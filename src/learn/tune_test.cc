// Tuning of the Transformer itself.
#include "learn/tune.h"
#include "learn/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "learn/network/backbone.h"
#include "learn/testing.h"

namespace netflowgen::learn {
namespace {

using namespace testing;

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
