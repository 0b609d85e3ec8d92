// Which of the network's own addresses the model scores: all, or the busiest, as many as time and memory allow. The choice
// depends on the input and the model alone, not on the machine, so that a page can be made again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "report/node_guess.h"
#include "report/survey.h"
#include "series/node.h"

namespace netflowgen::report {

struct WatchBudget {
  size_t nodes = 0;        // at most
  uint64_t positions = 0;  // nodes times steps in which they are active, at most; idle ones included
  int idle_steps = 0;      // of the model: positions after each run of active steps
};

struct WatchList {
  series::NodeOptions nodes;
  uint64_t candidates = 0;  // own addresses that are active
  uint64_t watched = 0;
  double flows = 1;  // share of the own addresses' flows that belongs to watched ones
  bool cut() const { return watched < candidates; }
};

// `own` without prefixes: all addresses are candidates.
WatchList choose_watched(const Survey& survey, const NodeGuess& own, const WatchBudget& budget);

}  // namespace netflowgen::report
