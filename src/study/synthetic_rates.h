// Rates as gauges report them (SNMP counters of links, metrics of machines), made of what such series are made of: levels
// that shift, slow noise, daily and weekly profiles, jobs at intervals, on and off, spikes, a ceiling. Simulated flows give
// no such smooth series, and a model that never saw one is too unsure of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "learn/corpus.h"

namespace netflowgen::study {

struct SyntheticSpec {
  int64_t networks = 0;
  int64_t nodes = 40;         // of each
  int64_t positions = 3'000;  // steps of each
  std::vector<int64_t> steps_ms = {60'000, 300'000, 600'000, 900'000,
                                   3'600'000};  // one is drawn for each network
  double weight = 1;                            // of all of them together, where a drawn network has 1
};

// Network `index`: bytes in both directions, in half of the networks packets too; other features are missing. Nothing is known
// about attacks. The same seed and index give the same network.
learn::CorpusNetwork synthetic_rates(const SyntheticSpec& spec, uint64_t seed, int64_t index);

}  // namespace netflowgen::study
