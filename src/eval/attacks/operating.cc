#include "eval/attacks/operating.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

// Folds of the labelled period: runs of blocks, so that a row and its neighbours are in one fold, and every fold has all
// times of day. Blocks are days where there are two for each fold, else a third of a fold's share of the period.
class Folds {
 public:
  explicit Folds(Period period) {
    const auto whole = static_cast<double>(kFolds * 2);
    if (period.days() >= whole) return;
    first_ms_ = period.from_ms;
    block_ms_ = std::max(base::kHourMs, (period.to_ms - period.from_ms) / (3 * kFolds));
  }
  int64_t of(TimeMs time) const {
    const int64_t block = base::step_of(time - first_ms_, block_ms_);
    const int64_t turn = base::step_of(block, kFolds);  // the next round begins a fold later
    return (((block + turn) % kFolds) + kFolds) % kFolds;
  }

 private:
  TimeMs first_ms_ = 0;
  int64_t block_ms_ = kDayMs;
};

bool has_rows(const DdosTask& task, const Folds& folds, int64_t fold) {
  for (size_t row = 0; row < task.labels.size(); ++row) {
    if (task.labels[row] != RowLabel::kUnlabelled && folds.of(task.time_of(row)) == fold) return true;
  }
  return false;
}

// What the task shows without a fold: its rows, and events that began in it, are unlabelled.
DdosTask without_fold(const DdosTask& task, const Folds& folds, int64_t fold) {
  DdosTask rest = task;
  for (size_t row = 0; row < rest.labels.size(); ++row) {
    const int32_t event = task.event_of_row[row];
    const bool hidden = folds.of(task.time_of(row)) == fold ||
                        (event >= 0 && folds.of(task.events[static_cast<size_t>(event)].start_ms) == fold);
    if (!hidden) continue;
    rest.labels[row] = RowLabel::kUnlabelled;
    rest.event_of_row[row] = -1;
  }
  return rest;
}

// A monotone map from one fit's scores to another's: equal ranks among rows that both have learnt from. Pieces are linear
// between ranks that are dense at the top, where thresholds are; past the ends it shifts.
class ScaleMap {
 public:
  ScaleMap(std::vector<float> from, std::vector<float> to) {
    std::sort(from.begin(), from.end());
    std::sort(to.begin(), to.end());
    for (double rank = 1; rank <= static_cast<double>(from.size()); rank = std::ceil(rank * kRankRatio)) {
      const size_t at = from.size() - static_cast<size_t>(rank);
      points_.emplace_back(from[at], to[at]);
    }
    std::reverse(points_.begin(), points_.end());
  }
  float operator()(float score) const {
    if (points_.empty() || !std::isfinite(score)) return score;
    const auto above = std::upper_bound(points_.begin(), points_.end(), score,
                                        [](float s, const auto& p) { return s < p.first; });
    if (above == points_.begin()) return score - points_.front().first + points_.front().second;
    const auto& low = *std::prev(above);
    if (above == points_.end()) return score - low.first + low.second;
    const float share = (score - low.first) / (above->first - low.first);
    return low.second + share * (above->second - low.second);
  }

 private:
  static constexpr double kRankRatio = 1.3;
  std::vector<std::pair<float, float>> points_;  // ascending
};

// The map from `theirs`, a fit on `rest`, to `own`, the fit whose scores are thresholded.
ScaleMap scale_of(const DdosTask& rest, std::span<const float> theirs, std::span<const float> own) {
  std::vector<float> from;
  std::vector<float> to;
  for (size_t row = 0; row < rest.labels.size(); ++row) {
    if (!rest.scored[row] || !rest.in_train(row) || rest.labels[row] == RowLabel::kUnlabelled) continue;
    if (!std::isfinite(theirs[row]) || !std::isfinite(own[row])) continue;
    from.push_back(theirs[row]);
    to.push_back(own[row]);
  }
  return {std::move(from), std::move(to)};
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

CrossFit cross_fit(AttackMethod& method, const DdosTask& task, const std::vector<float>& own, uint64_t seed) {
  CrossFit fit{task, own, false};
  if (!method.uses_labels()) return fit;
  const Folds folds(task.train);
  bool any = false;
  for (int64_t fold = 0; fold < kFolds; ++fold) {
    if (!has_rows(task, folds, fold)) continue;  // a period shorter than a block has one fold
    const DdosTask rest = without_fold(task, folds, fold);
    const bool learns = teaches(rest);
    any |= learns;
    if (learns) method.fit(rest, seed);
    const std::vector<float> theirs = learns ? method.score(*task.table) : own;
    const ScaleMap scale = learns ? scale_of(rest, theirs, own) : ScaleMap({}, {});
    for (size_t row = 0; row < own.size(); ++row) {
      if (folds.of(task.time_of(row)) != fold) continue;
      fit.scores[row] = scale(theirs[row]);
      // All attacks that are known are in this fold: nothing that has not seen it can score it.
      if (!learns) fit.task.labels[row] = RowLabel::kUnlabelled;
    }
  }
  if (any) return fit;
  return {task, own, true};
}

double calibration_node_days(const DdosTask& task) {
  return static_cast<double>(task.table->nodes.size()) * task.train.days() * labelled_share(task);
}

std::vector<double> rates_with(double rate, size_t tasks) {
  std::vector<double> rates(std::begin(detect::kFalseAlarmRates), std::end(detect::kFalseAlarmRates));
  for (size_t sharing = 1; sharing <= std::max<size_t>(tasks, 1); ++sharing) {
    const double share = rate / static_cast<double>(sharing);
    rates.insert(rates.end(), {share, share * detect::kOffRatio});
  }
  std::sort(rates.begin(), rates.end(), std::greater<>());
  const auto same = [](double a, double b) { return a <= b * (1 + 1e-9); };  // 0.1 x 10 and 1 are one rate
  rates.erase(std::unique(rates.begin(), rates.end(), same), rates.end());
  return rates;
}

std::vector<detect::CalibratedThreshold> calibrate(const CrossFit& fit, const DdosOptions& options,
                                                   AttackMethod* latch, std::span<const double> rates) {
  const DdosTask& task = fit.task;
  std::vector<detect::RowTruth> truth;
  for_period(
      *task.table, task.train, [&](size_t row) { truth.push_back(truth_of(task.labels[row])); }, [] {});
  return detect::calibrate(score_table(*task.table, task.train, fit.scores, latch), truth,
                           calibration_node_days(task), timing_of(options, task.table->step_ms), rates);
}

}  // namespace netflowgen::eval
