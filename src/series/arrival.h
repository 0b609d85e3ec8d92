// The order in which the flows of finite input arrive, learnt by reading it once, so that a second reading loses nothing:
// a step stays open exactly as long as flows that touch it are still to come.
//
// A file is read by time only roughly: exporters report flows when they end, archives are joined, tools write their old flows
// last. ArrivalMeter sees all flows once and makes an ArrivalPlan; SeriesBuilder follows it on the second reading
// (SeriesOptions::plan). Then no flow is late and no part of one is moved to another step, so the frames depend on the
// flows alone and not on their order (arrival_test.cc).
//
// Flows of a wrong clock are recognised by their neighbours in the file: see ArrivalMeter. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "series/builder.h"

namespace netflowgen::series {

struct ArrivalPlan {
  // Once more than `flow` flows were added (counted from 0, refused ones too), none that touches a step up to `step` comes.
  struct Stair {
    uint64_t flow;
    int64_t step;
  };
  std::vector<Stair> stairs;     // both ascend
  std::vector<uint64_t> astray;  // numbers of flows of a wrong clock, ascending
  int64_t step_ms = 0;
  uint64_t flows = 0;

  // The first step of any flow. REQUIRES: stairs is not empty.
  int64_t first_step() const { return stairs.front().step; }
};

// Invariants: 1. The stairs are the suffix minima of the flows' first steps: at most one a step. 2. A flow is astray when, of
// the 64 flows around it in the file, at least 62 lie within max_jump of the middle one, on both sides of it, and it starts
// more than max_jump after the last or ends more than max_duration before the first of these. Files of another order than
// time have no such neighbourhoods, so their flows are accepted; so are flows that come first or last.
class ArrivalMeter {
 public:
  // Of the options: step, bounds of times and durations, max_jump. Error as SeriesBuilder.
  explicit ArrivalMeter(const SeriesOptions& options);

  void add(std::span<const flow::Flow> flows);
  // The end of the input. add() may not follow.
  ArrivalPlan finish();

 private:
  struct Seen {
    uint64_t flow;
    base::TimeMs start_ms;
    base::TimeMs end_ms;
    bool astray;
  };
  void judge();
  void pass(const Seen& seen);

  static constexpr size_t kWindow = 64;

  SeriesOptions options_;
  ArrivalPlan plan_;
  std::array<Seen, kWindow> window_{};
  size_t held_ = 0;             // of window_
  base::TimeMs top_begin_ = 0;  // times of the last stair's step, [begin, end)
  base::TimeMs top_end_ = 0;
};

// "6000 flows (50 %) came up to 59 min late, more than --lateness 2m, and were dropped: read again with --lateness 1h"; empty
// where none was. The lateness advised would have dropped and moved none.
std::string late_text(const LateFlows& late, uint64_t flows, int64_t lateness_ms);

}  // namespace netflowgen::series
