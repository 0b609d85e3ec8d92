// Takes the memory of slots from the system before nodes come, on a thread of the lowest priority. A page that is written for the first
// time costs more than what a step writes to it: 4.3 GB of 100,000 nodes are seconds, all of them in the first step.
//
// One thread owns it. Invariants: 1. It changes no byte: the system is asked to make pages, which it does beside threads that
// write to them. 2. Where the system cannot do that, pages come as they are written.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "infer/state/node_states.h"

namespace netflowgen::infer {

class SlotsAhead {
 public:
  explicit SlotsAhead(const NodeStates& states) : states_(states) {}
  ~SlotsAhead();
  // Slots [0, slots), as far as there are so many; at once for the caller.
  void ask(size_t slots);
  // Until all that was asked for is there, or cannot be had.
  void wait();

 private:
  void work();

  const NodeStates& states_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t asked_ = 0;
  size_t done_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace netflowgen::infer
