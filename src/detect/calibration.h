// detect.json in a model folder: what the model's scores mean in false alarms. docs/formats.md has every key.
// Written by `netflowgen finetune`, read once by whatever raises alerts; plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "detect/calibrate.h"
#include "series/node_choice.h"

namespace netflowgen::detect {

// One thing to raise alerts for.
struct TaskCalibration {
  std::string name;           // what policies and alerts call it: "ddos", "anomaly"
  std::string score;          // "head NAME": a task head's logit; "inject": the injection head's
  std::string scored;         // a row has a score where this feature is above 0; "": every frame has one
  bool enabled = true;        // false: only where a policy names it
  double default_rate = 0.1;  // false alarms per node-day where no policy says otherwise
  bool in_sample = false;     // too few labels to cross-fit: thresholds are too low
  base::TimeMs from_ms = 0;   // the validation period, [from, to)
  base::TimeMs to_ms = 0;
  double node_days = 0;
  Timing timing;
  std::vector<CalibratedThreshold> thresholds;  // rates descending
  bool operator==(const TaskCalibration&) const = default;
};

// The nodes of the store that the detector was fitted and calibrated on.
struct FittedNodes {
  series::NodeChoice choice;  // not known: rates, or a detector of an older program
  uint64_t count = 0;         // 0: not known
  bool operator==(const FittedNodes&) const = default;

  // A warning with both numbers where `nodes` are far more than the detector was fitted on; else "".
  std::string excess(uint64_t nodes) const;
};

struct Calibration {
  std::vector<TaskCalibration> tasks;
  FittedNodes nodes = {};
  int64_t step_ms = 0;  // of the steps that the timing counts, where the model takes any; 0: the model's own

  // The same in steps of another length. Thresholds stay: they are of a step's score.
  void to_steps_of(int64_t other_ms);
  std::vector<std::string> names() const;
  std::string to_json() const;
  // Error names `where`: damaged, a newer format, thresholds that do not rise as rates fall.
  static Calibration from_json(std::string_view text, const std::string& where);
  // Error, with what to do, when the folder has no detect.json.
  static Calibration load(const base::fs::path& model);
  bool operator==(const Calibration&) const = default;
};

inline constexpr const char* kCalibrationFile = "detect.json";
inline constexpr std::string_view kInjectScore = "inject";
inline constexpr std::string_view kHeadScore = "head ";

}  // namespace netflowgen::detect
