// Pre-training: next step and injection, no labels. One call runs it, or resumes it from its checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/stop.h"
#include "learn/training_group.h"
#include "model/spec.h"
#include "series/frame_table.h"

namespace netflowgen::learn {

// [from_step, to_step)
struct StepRange {
  int64_t from = INT64_MIN;
  int64_t to = INT64_MAX;
};

struct PretrainOptions {
  model::ModelSpec spec;
  token::TokenOptions tokens;
  base::fs::path
      from;  // model folder whose weights and tokens it starts from, and whose spec `spec` is; empty: random
  StepRange train;
  StepRange validation;       // later than `train`; not given: the last tenth of it
  std::vector<size_t> nodes;  // indexes of the table's nodes to learn from; empty: all
  int64_t steps = 2000;       // optimiser steps
  int64_t batch = 32;         // windows a micro-batch
  int64_t accumulate = 1;     // micro-batches an optimiser step
  int64_t length = 256;       // positions a window
  double learning_rate = 2e-3;
  double final_rate = 0.05;    // of learning_rate, at the end of the cosine
  int64_t warmup = 100;        // steps
  double weight_decay = 0.05;  // matrices only
  double clip = 1.0;           // norm of the gradient
  double average =
      0;  // decay a step of the weights' running mean, which is what is validated and kept; 0: none
  double inject_chance = 0.3;  // of a window to carry a flood
  double inject_weight = 1.0;  // of its loss beside next-step's
  double direct_weight = 1.0;  // of the direct heads' quantile loss
  // Of a corpus' windows whose truth is known, the share that hides features; all of them have another time of day. Below 0: nothing
  // is changed.
  double hide_inputs = 0.4;
  int64_t evaluate_every = 200;  // steps; checkpoints are written then too
  int64_t validation_windows = 128;
  int64_t patience = 5;  // evaluations without improvement before it stops; 0: never
  uint64_t seed = 1;
  std::string device = "cpu";  // "cpu", "cuda", "cuda:1"
  int threads = 0;             // 0: all cores
  bool resume = false;         // continue from the checkpoint in the output folder
  // Those that train together; nullptr: this process alone. Only the first writes, and only its `resume` counts.
  std::shared_ptr<TrainingGroup> group;
  // Of a corpus: each network is on one process, and its windows are computed there. The windows of a batch are the same for
  // any number of processes; their sums are added in another order.
  bool shard = false;
};

struct TrainingPeriods {
  StepRange train;
  StepRange validation;
};

// The periods that pretrain() learns from and validates on, within the table. Error: the table holds nothing of one of
// them. UsageError: validation is not later than training.
TrainingPeriods training_periods(const series::FrameTable& table, const PretrainOptions& options);

// Horizons that a user expects, in steps, ascending: 1, 5 and 15 steps, one hour and four hours, as far as the training
// period is half as long again. Always one step.
std::vector<int> default_horizons(const series::FrameTable& table, const PretrainOptions& options);

// What the user should know before training starts, a sentence each: too few frames to learn from, a horizon that a
// period is too short for. Errors as training_periods.
std::vector<std::string> training_warnings(const series::FrameTable& table, const PretrainOptions& options);

struct PretrainResult {
  int64_t steps = 0;
  int64_t parameters = 0;
  double best_validation = 0;  // total loss
  double validation_bits = 0;  // of the next step, bits a feature, at the best evaluation
  bool stopped = false;        // by request; the checkpoint and the best model so far are on disk
  double positions_per_second = 0;
  double waiting = 0;  // share of the time in which the network waited for windows
};

// Writes the model folder `out` (the best on validation so far), out/checkpoint.safetensors and
// out/training.jsonl (a line a step: step, loss and its parts, rate; at evaluations validation too). A
// resumed run repeats the uninterrupted run's losses exactly on the same machine, threads and library.
// Errors: as training_periods; a checkpoint of another model; no such device; a full disk (the older
// files stay).
PretrainResult pretrain(const series::FrameTable& table, const PretrainOptions& options,
                        const base::fs::path& out, const base::StopFlag& stop,
                        const base::ProgressFn& progress);

// LibTorch's version and whether it sees a GPU, for --version.
std::string torch_description();

}  // namespace netflowgen::learn
