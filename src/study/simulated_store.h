// A scenario's flows as a series store, with the truth beside it: what the training demo and the corpus learn from.
#pragma once

#include <cstdint>

#include "base/file.h"
#include "base/stop.h"
#include "sim/scenario.h"

namespace netflowgen::study {

struct SimulatedStore {
  uint64_t flows = 0;
  uint64_t frames = 0;
  size_t hosts = 0;
  size_t attacks = 0;
  size_t benign_events = 0;  // those that look like attacks
};

struct SimulatedStoreOptions {
  base::fs::path store;
  base::fs::path labels;
  base::fs::path roles;  // empty: not written
  int64_t step_ms = 60'000;
  unsigned threads = 0;  // 0: one a core
};

// Writes the series of the scenario's hosts, and the truth about them. Throws base::Stopped when asked to stop.
SimulatedStore simulate_store(const sim::Scenario& scenario, const SimulatedStoreOptions& options,
                              const base::StopFlag& stop, const base::ProgressFn& progress);

}  // namespace netflowgen::study
