// What training runs: the program's own commands, as a user would type them. Pure: no process, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace netflowgen::serve {

enum class TrainingKind : uint8_t { kCalibrate, kFinetune, kPretrain, kCount };
std::string_view name_of(TrainingKind kind);  // "calibrate", "finetune", "pretrain"
std::optional<TrainingKind> parse_training_kind(std::string_view text);

struct TrainingPaths {
  base::fs::path program;           // netflowgen
  base::fs::path store;             // the series store
  std::string model;                // in force, where calibrate and finetune start
  std::vector<std::string> labels;  // files; finetune, and what calibrate leaves out
  base::fs::path out;               // the folder of the new model, which a detector can load at the end
};

// Commands in their order; each has to succeed.
std::vector<std::vector<std::string>> training_plan(TrainingKind kind, const TrainingPaths& paths);

// A line of a command's progress: "pretrain:  40% 800/2000 steps, 3.1/s, ETA 6m27s, loss 1.9".
struct TrainingProgress {
  std::string step;  // "pretrain"
  uint64_t done = 0;
  uint64_t total = 0;
  std::string note;  // "800/2000 steps, 3.1/s, ..."
};
std::optional<TrainingProgress> parse_progress(std::string_view line);

}  // namespace netflowgen::serve
