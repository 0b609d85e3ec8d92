// The head that a universal model ships with: whether a step is part of an attack, learnt from the truth of simulated networks
// alone: the Transformer's own logit, boosted trees on its dense inputs, and the number of flows.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/stop.h"
#include "study/corpus.h"
#include "study/head_rows.h"

namespace netflowgen::study {

struct ZeroShotOptions {
  int trees = 300;
  int tree_depth = 6;
  MostRows most;      // of a network
  double rate = 0.1;  // false alarms per node-day that alerts aim at
  int threads = 0;
  uint64_t seed = 1;
};

// Event-weighted AUPRC on one validation network; NaN where it has no attack.
struct ZeroShotScore {
  std::string network;
  double transformer = 0;
  double trees = 0;
  double both = 0;       // the head
  double threshold = 0;  // on flows_in
  double twin = 0;       // the head on random weights (study/twin.h)
};

struct ZeroShotResult {
  double transformer_weight = 0;  // of the logits in the head
  double trees_weight = 0;
  double flows_weight = 0;  // of log1p(flows_in)
  std::vector<ZeroShotScore> scores;

  ZeroShotScore mean() const;  // of networks with attacks
};

// Fits the head "ddos", weighs its parts on the validation networks, and writes it and its thresholds into the model folder.
// Error: the model is not universal, or has no attack logit.
ZeroShotResult fit_zero_shot(const base::fs::path& model, const Corpus& corpus,
                             const ZeroShotOptions& options, const base::StopFlag& stop,
                             const base::ProgressFn& progress);

}  // namespace netflowgen::study
