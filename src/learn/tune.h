// Fine-tuning of the Transformer itself with labels, before a head is fitted to what it then sees (docs/tasks.md). The default
// leaves it alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/file.h"
#include "base/stop.h"
#include "learn/feature_cache.h"
#include "learn/head.h"

namespace netflowgen::learn {

struct TuneOptions {
  std::string what = "adapters";  // "adapters": low-rank changes of the layers' matrices; "all": every weight
  std::string loss = "bce";       // per step, or "safe": the survival loss of Xatu
  int64_t rank = 8;               // of adapters
  int64_t probe_steps = 60;       // first: a linear probe on the hidden state alone learns the task
  int64_t steps = 300;            // then: the Transformer with it
  int64_t batch = 16;        // windows around labelled rows a step; as many of pre-training's go beside them
  int64_t length = 128;      // positions a window
  double learning_rate = 0;  // 0: 2e-3 for adapters, 3e-4 for all
  double keep = 1;  // weight of pre-training's loss, so that forecasts and surprise stay what they were
  double positive_share = 0.3;  // of the labels' weight that attacks carry
  int64_t evaluate_every = 25;
  int64_t patience = 4;  // evaluations without improvement; nothing is evaluated without validation attacks
  uint64_t seed = 1;
};

struct TuneResult {
  int64_t steps = 0;    // taken
  int64_t kept = 0;     // of them, those behind the weights that were kept; 0: none helped on validation
  double before = 0;    // label loss on validation with the probe alone, NaN: not evaluated
  double best = 0;      // and with the weights that were kept
  int64_t trained = 0;  // numbers that it changed
};

// Changes the backbone's weights. Learns from the examples that are not for validation (from all, where no attack is
// left then) and from windows of the same steps.
// Errors: adapters on a model that has some; no attack or no benign row. Throws base::Stopped when asked to stop.
TuneResult tune(Backbone& backbone, const series::FrameTable& table, std::span<const Example> examples,
                const TuneOptions& options, const base::StopFlag& stop, const base::ProgressFn& progress);

// Writes the tuned weights (or adapters) into the folder of a copy of the model they started from. Task heads, fitted to the
// old weights, are left out.
void save_tuned(const Backbone& backbone, const base::fs::path& folder, const std::string& card_lines);

}  // namespace netflowgen::learn
