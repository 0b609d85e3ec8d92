#include "eval/attacks/operating.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/time.h"

namespace netflowgen::eval {
namespace {

using base::kDayMs;

detect::RowTruth truth_of(RowLabel label) {
  switch (label) {
    case RowLabel::kBenign:
      return detect::RowTruth::kBenign;
    case RowLabel::kAttack:
      return detect::RowTruth::kAttack;
    case RowLabel::kUnlabelled:
      break;
  }
  return detect::RowTruth::kIgnored;
}

// Calls take(row) for the rows of the period, node by node; next() after each node.
template <typename Take, typename Next>
void for_period(const FrameTable& table, Period period, Take take, Next next) {
  const int64_t from = base::step_of(period.from_ms + table.step_ms - 1, table.step_ms);
  const int64_t to = base::step_of(period.to_ms + table.step_ms - 1, table.step_ms);
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    const size_t end = table.lower_bound(node, to);
    for (size_t row = table.lower_bound(node, from); row < end; ++row) take(row);
    next();
  }
}

}  // namespace

detect::Timing timing_of(const DdosOptions& options, int64_t step_ms) {
  detect::Timing timing;
  timing.merge_steps = options.merge_gap_ms / step_ms;
  return timing;
}

detect::ScoreTable score_table(const FrameTable& table, Period period, std::span<const float> scores,
                               AttackMethod* latch) {
  NFG_CHECK(scores.size() == table.rows());
  detect::ScoreTable all;
  if (latch != nullptr) latch->latch(table, all);
  detect::ScoreTable cut;
  for_period(
      table, period,
      [&](size_t row) {
        cut.steps.push_back(table.steps[row]);
        cut.scores.push_back(scores[row]);
        if (all.bands.empty()) return;
        cut.bands.push_back(all.bands[row]);
        cut.seen.push_back(all.seen[row]);
      },
      [&] { cut.offsets.push_back(cut.steps.size()); });
  return cut;
}

std::vector<float> cross_fit(AttackMethod& detector, const DdosTask& task, const std::vector<float>& own,
                             uint64_t seed, bool& in_sample) {
  in_sample = false;
  if (!detector.uses_labels()) return own;
  std::vector<float> scores(own.size(), std::numeric_limits<float>::quiet_NaN());
  for (const bool odd : {false, true}) {
    const DdosTask half = every_other_day(task, odd);
    if (!teaches(half)) {
      in_sample = true;
      return own;
    }
    detector.fit(half, seed);
    const std::vector<float> theirs = detector.score(*task.table);
    for (size_t row = 0; row < scores.size(); ++row) {
      const bool day_is_odd = base::step_of(task.table->steps[row] * task.table->step_ms, kDayMs) % 2 != 0;
      if (day_is_odd != odd) scores[row] = theirs[row];
    }
  }
  return scores;
}

double validation_node_days(const DdosTask& task) {
  return static_cast<double>(task.table->nodes.size()) * task.validation.days() * labelled_share(task);
}

std::vector<double> rates_with(double rate) {
  std::vector<double> rates(std::begin(detect::kFalseAlarmRates), std::end(detect::kFalseAlarmRates));
  rates.insert(rates.end(), {rate, rate * detect::kOffRatio});
  std::sort(rates.begin(), rates.end(), std::greater<>());
  const auto same = [](double a, double b) { return a <= b * (1 + 1e-9); };  // 0.1 x 10 and 1 are one rate
  rates.erase(std::unique(rates.begin(), rates.end(), same), rates.end());
  return rates;
}

std::vector<detect::CalibratedThreshold> calibrate_on_validation(const DdosTask& task,
                                                                 const DdosOptions& options,
                                                                 std::span<const float> scores,
                                                                 AttackMethod* latch,
                                                                 std::span<const double> rates) {
  std::vector<detect::RowTruth> truth;
  for_period(
      *task.table, task.validation, [&](size_t row) { truth.push_back(truth_of(task.labels[row])); }, [] {});
  return detect::calibrate(score_table(*task.table, task.validation, scores, latch), truth,
                           validation_node_days(task), timing_of(options, task.table->step_ms), rates);
}

}  // namespace netflowgen::eval
