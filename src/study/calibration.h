// Scores of a model's methods -> detect.json: what finetune and calibrate have in common.
#pragma once

#include <memory>
#include <string>

#include "detect/calibration.h"
#include "eval/attacks/protocol.h"
#include "series/frame_table.h"
#include "study/attack_methods.h"

namespace netflowgen::study {

struct CalibrationWish {
  double rate = 0.1;  // false alarms per node-day that alerts aim at
  size_t tasks = 1;   // that may be on at once and then share the rate
  uint64_t seed = 1;
  // Gives task "anomaly" its score, which is then detect::kUnusualScore; null: it is the injection head's.
  std::shared_ptr<eval::AttackMethod> unusual = {};
};

// What a number of false alarms per node-day costs in the task's training period, with the scores that the method gives to
// rows that it did not learn from.
detect::TaskCalibration calibrate_task(const CalibrationWish& wish, eval::AttackMethod& method,
                                       const eval::DdosTask& task, const eval::DdosOptions& protocol);

// Task "anomaly", which needs no label. REQUIRES: wish.unusual, or the model has an injection head.
detect::TaskCalibration calibrate_anomaly(const CalibrationWish& wish,
                                          const std::shared_ptr<FeatureCaches>& caches,
                                          const eval::DdosTask& task, const eval::DdosOptions& protocol);

// Every task of a model folder, heads and "anomaly", as they are: none learns from `task`, whose attacks are left out.
// Which tasks are on is taken from the folder's detect.json; without one all heads are, and "anomaly" where there is no head.
// Error: the model has neither a head nor an injection head, and the wish no other score.
detect::Calibration calibrate_model(const std::string& model, CalibrationWish wish,
                                    const std::shared_ptr<FeatureCaches>& caches, const eval::DdosTask& task,
                                    const eval::DdosOptions& protocol);

// Writes detect.json, with the nodes of the table that it was calibrated on; `general`: without them, for other networks.
// Returns what it wrote.
detect::Calibration save_calibration(const std::string& folder, detect::Calibration calibration,
                                     const series::FrameTable& table, bool general = false);
// A line for the user: the threshold, what it promises, on what it was found.
std::string text_of(const detect::TaskCalibration& task);

}  // namespace netflowgen::study
