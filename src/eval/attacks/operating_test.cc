#include "eval/attacks/operating.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace netflowgen::eval {
namespace {

constexpr int64_t kStepMs = 600'000;
constexpr int64_t kDays = 6;  // labels in the first three

// Ten nodes whose rows have a risk each, drawn at random; attacks have a high one. Attack i of `attacks` begins at a
// multiple of `every` steps.
struct World {
  FrameTable table;
  std::vector<Event> events;
  std::vector<float> risk;
  DdosOptions options;

  World(uint64_t seed, size_t attacks, int64_t every) {
    base::Random random(seed);
    table.step_ms = kStepMs;
    table.first_step = 2'000'016;  // a midnight
    table.end_step = table.first_step + kDays * 144;
    table.missing.assign(series::kFeatureCount, false);
    table.offsets.push_back(0);
    constexpr size_t kNodes = 10;
    for (size_t i = 0; i < attacks; ++i) {
      const TimeMs start = (table.first_step + 5 + static_cast<int64_t>(i) * every) * kStepMs;
      events.push_back({i % kNodes, start, start + 3 * kStepMs, "flood", i, false});
    }
    for (size_t n = 0; n < kNodes; ++n) {
      table.nodes.push_back("node" + std::to_string(n));
      for (int64_t s = table.first_step; s < table.end_step; ++s) {
        bool attack = false;
        for (const Event& e : events)
          attack |= e.node == n && s * kStepMs >= e.start_ms && s * kStepMs < e.end_ms;
        risk.push_back(static_cast<float>(random.normal()) + (attack ? 6 : 0));
        table.steps.push_back(s);
        table.values.insert(table.values.end(), series::kFeatureCount, 1.0f);
      }
      table.offsets.push_back(table.steps.size());
    }
    const TimeMs from = table.first_step * kStepMs;
    options.train = {from, from + kDays / 2 * base::kDayMs};
    options.validation = {options.train.to_ms - base::kDayMs, options.train.to_ms};
  }
};

// Scores a row by its risk, on a scale that follows the number of labelled attacks, and knows benign rows that it has
// learnt from by heart.
class Memoriser : public AttackMethod {
 public:
  explicit Memoriser(const World& world) : world_(world) {}
  std::string name() const override { return "memoriser"; }
  void fit(const DdosTask& task, uint64_t) override {
    ++fits;
    learnt_.assign(task.labels.size(), false);
    std::vector<bool> shown(task.events.size());
    for (size_t row = 0; row < task.labels.size(); ++row) {
      learnt_[row] = task.labels[row] == RowLabel::kBenign;
      if (task.event_of_row[row] >= 0) shown[static_cast<size_t>(task.event_of_row[row])] = true;
    }
    scale_ = 1 + 0.1f * static_cast<float>(std::count(shown.begin(), shown.end(), true));
  }
  std::vector<float> score(const FrameTable&) override {
    std::vector<float> scores = world_.risk;
    for (size_t row = 0; row < scores.size(); ++row)
      scores[row] = scale_ * (scores[row] - (learnt_[row] ? 1 : 0));
    return scores;
  }
  int fits = 0;

 private:
  const World& world_;
  std::vector<bool> learnt_;
  float scale_ = 1;
};

double later_alarms(const World& world, const DdosData& data, std::span<const float> scores, float on) {
  const Period later{world.options.train.to_ms, data.table.end_step * kStepMs};
  const auto timing = timing_of(world.options, kStepMs);
  return static_cast<double>(
      detect::alerts_of(score_table(data.table, later, scores, nullptr), {on, on, {}}, timing).size());
}

TEST(CrossFit, ThresholdsHoldForTheFitThatIsUsed) {
  constexpr double kRate = 1;  // 30 in three days of ten nodes
  double promised = 0;
  double seen = 0;
  double seen_in_sample = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const World world(seed, 12, 35);
    const auto data = prepare_ddos(world.table, world.events, {}, world.options);
    const auto task = full_task(data, world.options);
    Memoriser method(world);
    method.fit(task, 1);
    const auto own = method.score(data.table);
    const auto fit = cross_fit(method, task, own, 1);
    EXPECT_FALSE(fit.in_sample);
    EXPECT_EQ(method.fits, 1 + kFolds);
    const auto rates = rates_with(kRate);
    const auto on = [&](const CrossFit& f) {
      return detect::threshold_for(calibrate(f, world.options, nullptr, rates), kRate).on;
    };
    promised += 30;
    seen += later_alarms(world, data, own, on(fit));
    seen_in_sample += later_alarms(world, data, own, on({task, own, true}));
  }
  EXPECT_NEAR(seen / promised, 1, 0.25);
  EXPECT_GT(seen_in_sample / promised, 2);  // what the fit knows by heart promises too much
}

TEST(CrossFit, RowsThatNoFitCanScoreAreLeftOut) {
  const World world(3, 2, 1);  // both attacks in one fold
  const auto data = prepare_ddos(world.table, world.events, {}, world.options);
  const auto task = full_task(data, world.options);
  Memoriser method(world);
  method.fit(task, 1);
  const auto fit = cross_fit(method, task, method.score(data.table), 1);
  EXPECT_FALSE(fit.in_sample);
  EXPECT_EQ(method.fits, kFolds);
  EXPECT_NEAR(calibration_node_days(fit.task) / calibration_node_days(task), 0.75, 0.02);
}

TEST(CrossFit, WithoutAnAttackScoresAreTheFitsOwn) {
  const World world(4, 0, 1);
  const auto data = prepare_ddos(world.table, world.events, {}, world.options);
  const auto task = full_task(data, world.options);
  Memoriser method(world);
  method.fit(task, 1);
  const auto own = method.score(data.table);
  const auto fit = cross_fit(method, task, own, 1);
  EXPECT_TRUE(fit.in_sample);
  EXPECT_EQ(fit.scores, own);
  EXPECT_EQ(fit.task.labels, task.labels);
}

TEST(CrossFit, RatesHoldSharesForTasksThatAreOnTogether) {
  const auto rates = rates_with(0.2, 2);
  EXPECT_THAT(rates, testing::Contains(0.2));
  EXPECT_THAT(rates, testing::Contains(2));
  EXPECT_TRUE(std::is_sorted(rates.rbegin(), rates.rend()));
  const auto near = [&](double x) {
    return std::any_of(rates.begin(), rates.end(), [x](double r) { return std::fabs(r - x) < 1e-9; });
  };
  EXPECT_TRUE(near(0.1));
  EXPECT_TRUE(near(1));
}

}  // namespace
}  // namespace netflowgen::eval
