// Scores -> alerts, as the detector does it: thresholds calibrated on the training period by detect::calibrate, alerts
// by detect::Track. Evaluation and fine-tuning share it, so that what `evaluate` promises is what `replay`
// raises.
#pragma once

#include <vector>

#include "eval/attacks/attack_method.h"
#include "eval/attacks/protocol.h"

namespace netflowgen::eval {

detect::Timing timing_of(const DdosOptions& options, int64_t step_ms);

// The rows of `period` with their scores ([rows of table]) and, from `latch`, bands. nullptr: no bands.
detect::ScoreTable score_table(const FrameTable& table, Period period, std::span<const float> scores,
                               AttackMethod* latch);

inline constexpr int64_t kFolds = 4;

// What thresholds are found on: scores as the fit whose alerts they are for would give them to rows that it has not learnt
// from, over the whole training period.
//
// The period is cut into kFolds folds, and each fold is scored by a fit on the others. Fits on other labels have other
// scales: among the same rows the same rank differs by up to a logit. So each fit's scores are carried to the scale of
// `own` by a monotone map, found on the rows that both have learnt from, where neither is at an advantage.
struct CrossFit {
  DdosTask task;              // as it was, but rows that no such fit could score are kUnlabelled
  std::vector<float> scores;  // [rows]
  bool in_sample = false;     // too few labels for that: the scores are `own`
};

// `own`: the scores of the fit on all of `task`. A method that learns from no labels has no other. The method is left fitted on
// a part.
CrossFit cross_fit(AttackMethod& method, const DdosTask& task, const std::vector<float>& own, uint64_t seed);

// Node-days of the training period that can show a false alarm under the task.
double calibration_node_days(const DdosTask& task);

// kFalseAlarmRates, and `rate`, its share where up to `tasks` tasks divide it among them, and those of the `off` thresholds.
std::vector<double> rates_with(double rate, size_t tasks = 1);

// Thresholds by rate on the training period. Error: it holds no benign score.
std::vector<detect::CalibratedThreshold> calibrate(const CrossFit& fit, const DdosOptions& options,
                                                   AttackMethod* latch, std::span<const double> rates);

}  // namespace netflowgen::eval
