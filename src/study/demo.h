// The demo's stages: a scenario's flows become a store, a model learns from it without labels. The command joins them with
// the evaluation.
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"
#include "base/stop.h"
#include "eval/attacks/protocol.h"
#include "learn/pretrain.h"
#include "series/frame_table.h"
#include "sim/scenario.h"

namespace netflowgen::study {

struct SimulatedStore {
  uint64_t flows = 0;
  uint64_t frames = 0;
  size_t hosts = 0;
  size_t attacks = 0;
  size_t benign_events = 0;  // those that look like attacks
};

struct SimulationFiles {
  base::fs::path store;
  base::fs::path labels;
  base::fs::path roles;  // empty: not written
  unsigned threads = 0;  // 0: one a core
};

// Writes the series of the scenario's hosts, and the truth about them. Throws base::Stopped when asked to stop.
SimulatedStore simulate_store(const sim::Scenario& scenario, int64_t step_ms, const SimulationFiles& files,
                              const base::StopFlag& stop, const base::ProgressFn& progress);

// Labels are seen in the first 60 %, its last quarter is for validation, figures come from the rest.
eval::DdosOptions demo_periods(const series::FrameTable& table);

// A short pre-training on the training period of `periods`. `spec`: what to train.
learn::PretrainOptions demo_pretraining(const model::ModelSpec& spec, int64_t steps,
                                        const series::FrameTable& table, const eval::DdosOptions& periods);

}  // namespace netflowgen::study
