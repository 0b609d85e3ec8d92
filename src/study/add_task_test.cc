// A task of one's own, as docs/tasks.md shows it: "night" names, at every step of every node, whether it is night. The file is the
// whole task: labels, head, model folder, stream.
#include <gtest/gtest.h>

#include "detect/node_classes.h"
#include "infer/weights.h"
#include "learn/feature_cache.h"
#include "learn/testing.h"
#include "study/class_head.h"
#include "study/finetune.h"

namespace netflowgen::study {
namespace {

bool is_night(int64_t step) { return step % 24 < 12; }  // the label: steps are hours

TEST(AddTask, InOneFile) {
  const learn::testing::Scratch scratch("add_task");
  const auto table = learn::testing::sample_table(3, 4, 30);
  const auto base = scratch.path / "model";
  const auto with_task = scratch.path / "with-task";
  learn::pretrain(table, learn::testing::small_options(), base, learn::testing::kGo, {});

  // 1. The frozen model's view of every step: hidden state, surprise, dense inputs.
  const learn::Backbone backbone(base, "cpu", 1);
  const auto cache = backbone.scan(table, {}, learn::testing::kGo, {});

  // 2. Labelled examples: here steps of the first three nodes. A head that names classes reads hidden state and dense inputs.
  ClassExamples examples{cache.hidden + cache.dense, {}, {}};
  for (size_t row = table.offsets[0]; row < table.offsets[3]; row += 7) {
    const float* z = cache.z.data() + static_cast<size_t>(cache.kept[row]) * cache.width();
    examples.x.insert(examples.x.end(), z, z + cache.hidden);
    examples.x.insert(examples.x.end(), z + cache.hidden + cache.surprise, z + cache.width());
    examples.labels.push_back(is_night(table.steps[row]) ? 1 : 0);
  }

  // 3. The head, in a copy of the model.
  const auto scale = scale_of(examples.x, examples.width);
  const auto weights = train_class_weights(examples, 2, scale, {.ridge = 0.1, .hidden = cache.hidden});
  copy_model(base.string(), with_task.string());
  learn::add_head(with_task, as_head("night", {"day", "night"}, weights, scale.deviation, cache.dense > 0),
                  "- task head `night`\n");

  // 4. The streaming engine, on the last node, which gave no label: each step's logits, day and night.
  infer::Engine engine(infer::Model::load(with_task), {});
  infer::Results results;
  size_t right = 0;
  for (size_t row = table.offsets[3]; row < table.offsets[4]; ++row) {
    const infer::Item item{infer::node_key(table.nodes[3]), table.steps[row], table.frame(row)};
    engine.step({&item, 1}, {}, results);
    right += (results.tasks[0][1] > results.tasks[0][0]) == is_night(table.steps[row]) ? 1 : 0;
  }
  EXPECT_GT(static_cast<double>(right), 0.85 * static_cast<double>(table.offsets[4] - table.offsets[3]));
}

}  // namespace
}  // namespace netflowgen::study
