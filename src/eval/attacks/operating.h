// Scores -> alerts, as the detector does it: thresholds calibrated on validation by detect::calibrate, alerts
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

// Scores of the validation period by fits that did not see the row's day: odd days by a fit on even days and
// the other way round. With labels on one side only, `own`, the scores of the fit itself: in_sample is set.
// The detector is left fitted on a half.
std::vector<float> cross_fit(AttackMethod& detector, const DdosTask& task, const std::vector<float>& own,
                             uint64_t seed, bool& in_sample);

// Node-days of the validation period that can show a false alarm under the task.
double validation_node_days(const DdosTask& task);

// kFalseAlarmRates, and `rate` and that of its `off` threshold among them.
std::vector<double> rates_with(double rate);

// Thresholds by rate on the validation period. Error: it holds no benign score.
std::vector<detect::CalibratedThreshold> calibrate_on_validation(const DdosTask& task,
                                                                 const DdosOptions& options,
                                                                 std::span<const float> scores,
                                                                 AttackMethod* latch,
                                                                 std::span<const double> rates);

}  // namespace netflowgen::eval
