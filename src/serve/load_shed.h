// What a live service leaves out while it is behind, so that it goes on counting every flow: first the look at the open step, then the
// details of history, then the sample of flows. Each that is left out is counted, in a stage of its own.
//
// The level rises as soon as what is being read is too old, or the kernel dropped something; it falls by one after kCalm_ms without
// either. Nothing is read while a step is scored: a delay of that length is no overload, as long as it fits into the queue.
// Time is an input. One thread, the collector's.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "base/time.h"

namespace netflowgen::serve {

// A level leaves out what the lower ones do, too.
enum class Shed : uint8_t { kNothing, kOpenStep, kHistoryDetail, kFlowSample };
inline constexpr size_t kSheds = 3;    // without kNothing
std::string_view name_of(Shed level);  // "nothing", "open step", ...

enum class ShedDrop : uint8_t { kOverload, kCount };
constexpr std::string_view name_of(ShedDrop) { return "overload"; }

class LoadShed {
 public:
  // Behind by so much more than scoring a step takes, a level begins.
  static constexpr std::array<int64_t, kSheds> kBehind_ms = {3'000, 7'000, 11'000};
  static constexpr int64_t kMostScoring_ms =
      5'000;  // of that: the default queue holds 18 s of 300,000 flows/s
  static constexpr int64_t kCalmBehind_ms = 1'000;
  static constexpr int64_t kCalm_ms = 5'000;
  static constexpr int64_t kLossStep_ms = 1'000;  // drops raise the level once in this time

  // `now_ms` and `read_ms` are of one clock: now, and when the newest datagram that was read had come. `lost` is what the kernel has
  // dropped so far. `scoring_ms`: what the last step took. True: the level changed.
  bool update(base::TimeMs now_ms, base::TimeMs read_ms, uint64_t lost, int64_t scoring_ms = 0);
  Shed level() const { return level_; }

  // Whether to do it; counts so many as done or left out. REQUIRES: not kNothing.
  bool keep(Shed what, uint64_t n);

  // Of what was asked for: "looks at the open step", "history detail" (flows), "flow sample" (flows).
  std::vector<base::LedgerView> ledgers() const;

 private:
  Shed level_ = Shed::kNothing;
  uint64_t lost_ = 0;
  base::TimeMs raised_ms_ = INT64_MIN;  // by a loss
  base::TimeMs calm_since_ms_ = INT64_MIN;
  std::array<base::Ledger<ShedDrop>, kSheds> stages_;
};

}  // namespace netflowgen::serve
