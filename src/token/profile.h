// A node's own habits, for models of any network: what each numeric feature usually is while it is active, how often the
// node is active, and its day. Inputs relative to them look alike on networks of any size and sampling. Part of NodeState.
//
// Channels [kProfileChannels]: the numeric level channels of the universal tokenizer, in its order, then kMixed ratios of two
// volumes or counts. A value x of a channel is log1p(y / unit) for totals, counts and quantities, y itself for ratios.
//
// Invariants: 1. Means and deviations are of active steps, those with a value: a share of no packets says nothing. 2. A
// position's inputs compare it with what came before it. 3. The day is of all steps since the first, silent ones as zeros.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "series/features.h"

namespace netflowgen::token {

inline constexpr size_t kMixed = 8;
inline constexpr size_t kProfileChannels = 37 + kMixed;  // the table's numeric features
inline constexpr size_t kProfileScales = 4;
// Time constants of the means and deviations.
inline constexpr std::array<int64_t, kProfileScales> kProfileMs = {300'000, 1'800'000, 14'400'000,
                                                                   86'400'000};
inline constexpr size_t kDayParts = 144;  // ten minutes each
inline constexpr size_t kDayVolumes = 6;

// What of a profile does not depend on the time of day.
struct ProfileValues {
  std::array<float, kProfileChannels> x;  // NaN: missing, or the direction had no flows
};

struct Profile {
  uint64_t given = 0;    // bit f: feature f was not missing at least once
  uint32_t steps = 0;    // since the first, silent ones too
  float active[2] = {};  // running share of steps with a frame, over half an hour and a day
  uint32_t known[kProfileChannels] = {};
  float mean[kProfileChannels][kProfileScales] = {};
  float deviation[kProfileChannels][kProfileScales] = {};
  uint32_t day_known[kDayParts] = {};
  float day[kDayVolumes][kDayParts] = {};  // mean of the volume's x in that part of the day
};

// The arithmetic of one step length. Constant after construction.
class ProfileRule {
 public:
  explicit ProfileRule(int64_t step_ms);

  static ProfileValues values_of(std::span<const float> frame);  // [kFeatureCount]
  // Inputs of one position: for each channel and scale the value against what came before, in deviations and bent
  // (asinh); the mixed ratios themselves; share of active steps; age; length of a step. [inputs()]
  void encode(const Profile& before, const ProfileValues& now, std::span<float> out) const;
  static std::vector<std::string> names();  // [inputs()]
  static constexpr size_t inputs() { return kProfileChannels * kProfileScales + kMixed + 4; }

  // The frame is [kFeatureCount] and active.
  void add(Profile& profile, std::span<const float> frame, const ProfileValues& now) const;
  // `count` silent steps from `first` on.
  void add_silence(Profile& profile, int64_t first, int64_t count) const;
  // Volumes of a step in the day, x as in NodeState; NaN: missing.
  void add_day(Profile& profile, int64_t step, std::span<const float> x) const;
  // Mean x of volume v at the time of day of `step`; NaN: not known yet.
  float day_at(const Profile& profile, int64_t step, size_t v) const;

 private:
  size_t part_of(int64_t step) const;

  int64_t step_ms_;
  std::array<float, kProfileScales> rate_;
  float active_rate_[2];
  uint32_t day_memory_;  // values of a part of the day after which it forgets
};

}  // namespace netflowgen::token
