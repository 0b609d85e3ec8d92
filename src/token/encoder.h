// Frames in time order -> what the model sees at each position. The same code prepares training windows,
// offline scoring and the live stream, so that they cannot differ.
//
// A position is an active frame, or one of the first R idle steps after one (R = InputSpec::idle_steps; the
// rest of an idle run is skipped and shows as the gap token of the next position). A position is given to the
// model as
//   ids    [slots]  rows of one embedding table, offsets included: level channels, relative channels, gap,
//                   calendar, node (where the spec looks nodes up)
//   dense  [dense]  real numbers beside the tokens: standardised log1p of each numeric level channel; log
//   ratio of
//                   each volume to the node's level; the level itself; seasonal values where the spec asks
//                   With InputSpec::scales also, of each volume in the node's own units (below): its last values,
//                   running means and deviations. With InputSpec::surroundings what the others do, last
//   target [levels] its own level tokens, which the previous position predicts
//
// The node's own units. With scales, volume y is x = log1p(y / its smallest non-zero training bin), and
//   z = standard(x) = B asinh((x - m) / (d + F) / B), m and d the node's running mean and absolute deviation of x
//   over the reference scale, idle steps counted as zeros. A quiet and a busy node then look alike, smooth series
//   keep their detail, and bursts stay finite.
//
// Invariants: 1. A position depends on the node's past and present only. 2. NodeState is plain data: copy to
// save.
// 3. An Encoder is constant after construction and shared by threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "token/profile.h"
#include "token/surroundings.h"
#include "token/tokenizer.h"

namespace netflowgen::token {

inline constexpr int kMaxVolumes = 6;  // volume features of the table
inline constexpr int kGapTokens = 26;  // 0: first position of a node; k >= 1: gap in (2^(k-2), 2^(k-1)]
inline constexpr float kLevelRate = 1.0f / 32;  // of the running mean, once 32 values were seen
inline constexpr int64_t kNever = INT64_MIN;
inline constexpr int kMaxScales = 6;
inline constexpr int kRecent = 12;              // last values given as dense inputs, with scales
inline constexpr float kStandardBend = 3;       // B above
inline constexpr int kDaySlots = 144;           // of Calendar::kDay
inline constexpr float kStandardFloor = 0.02f;  // F above

enum class Calendar : uint8_t {
  kNone,
  kDay,    // ten-minute slot of the day, weekday
  kPaper,  // minute, hour, weekday, day of month: 60 + 24 + 7 + 31 = 122 one-hot inputs
};

struct InputSpec {
  int64_t step_ms = 60000;
  int idle_steps = 4;  // R; -1: every step is a position
  Calendar calendar = Calendar::kDay;
  std::string timezone = "UTC";  // of the network: UTC, +hh:mm or an IANA name (base/time_zone.h)
  bool dense = true;
  int nodes = 0;  // rows of a node lookup, row 0 is "unknown"; 0: none (preset `paper` has one)
  std::vector<int> season_lags;  // in steps, e.g. one day and one week; empty: none
  std::vector<int> leads = {1};  // in steps: horizons of the direct heads, and of the seasonal inputs
  // Time constants in steps, ascending, of the running means and deviations; empty: none. The reference is the
  // longest that is at most a day (else the first).
  std::vector<int> scales;
  // A model of any network: scales are seconds, step_ms is whatever the series has, a volume's unit is 1, and the node's habits
  // are inputs. A feature is missing in a node's idle steps until the node has had it once.
  bool universal = false;
  bool surroundings =
      false;  // what a node's prefix and network do in the same step are inputs (token/surroundings.h)
  size_t reference_scale() const;
  std::vector<int> scale_steps() const;  // scales in steps
  bool operator==(const InputSpec&) const = default;
};

// What one dense input is.
struct DenseColumn {
  std::string name;  // "bytes_in", "bytes_in 3 steps ago", ...
  // It does not depend on how much traffic the network has or samples: a ratio, or relative to the node's own past.
  bool relative = true;
  bool of_others = false;  // one of the surroundings
};

// What an encoder remembers of a node between positions.
struct NodeState {
  int64_t last_step = kNever;  // of the last position
  int32_t idle_run = 0;        // idle positions since the last active one
  uint32_t seen[kMaxVolumes] = {};
  float level[kMaxVolumes] = {};  // running mean of log1p of the non-zero values
  // Only with scales, in the x of the node's own units:
  uint32_t known[kMaxVolumes] = {};  // values seen, idle positions too
  float mean[kMaxVolumes][kMaxScales] = {};
  float deviation[kMaxVolumes][kMaxScales] = {};  // mean |x - mean|
  float recent[kMaxVolumes][kRecent] = {};        // the latest first; NaN: missing
  Profile profile;                                // only of universal models
};

// What happens to a node in a step.
struct Moment {
  int64_t step = 0;
  std::span<const float> frame = {};  // [kFeatureCount]; empty: the node is idle
  std::span<const float> season =
      {};  // [Encoder::season()]: [lag, lead, volume] of log1p values at step + lead - lag, NaN: unknown
  std::span<const int8_t> surround = {};  // [kSurroundInputs]; empty: not known. Idle steps have none
  uint32_t node_row = 0;                  // of the node lookup, where the spec has one; 0: unknown
};

struct Position {
  std::span<uint32_t> ids;  // [slots]
  std::span<float> dense;   // [dense]
  std::span<Token> target;  // [levels]
};

// Gap token of `steps` since the previous position (>= 1). Gaps past the last bucket share it.
Token gap_token(int64_t steps);

class Encoder {
 public:
  // Error: a time zone that is unknown here (base::TimeZone::load).
  Encoder(const Tokenizer& tokenizer, InputSpec spec);

  const Tokenizer& tokenizer() const { return tokenizer_; }
  const InputSpec& spec() const { return spec_; }
  size_t slots() const { return slots_; }
  uint32_t id_of(size_t slot, uint32_t token) const { return offsets_[slot] + token; }
  size_t calendar_slot() const {
    return tokenizer_.channels().size() + 1;
  }  // the first, where there is a calendar
  size_t dense() const { return dense_; }
  std::vector<DenseColumn> dense_columns() const;  // [dense()]
  size_t levels() const { return tokenizer_.levels(); }
  size_t volumes() const { return volumes_.size(); }
  int volume_feature(size_t v) const { return volumes_[v].feature; }
  size_t season() const { return spec_.season_lags.size() * spec_.leads.size() * volumes_.size(); }
  size_t vocabulary() const { return vocabulary_; }  // rows of the embedding table
  // Prediction targets, in the order of the next-step head: level channels, then the gap.
  const std::vector<int>& target_sizes() const { return target_sizes_; }
  size_t target_vocabulary() const { return target_vocabulary_; }

  // True when `step` with no frame is still a position of this node (the idle run is shorter than R).
  bool is_position(const NodeState& state, int64_t step) const;
  // Encodes one position and advances the state. REQUIRES: now.step > state.last_step.
  void encode(NodeState& state, const Moment& now, Position out) const;
  // Advances only the state, as encode does.
  void advance(NodeState& state, int64_t step, std::span<const float> frame) const;
  // Idle positions up to and including `step`, as that number of calls of advance (at once where nothing else depends on it).
  // REQUIRES: the node has a position.
  void skip_idle(NodeState& state, int64_t step) const;

  // Numbers that the direct heads speak of volume v in, after the position that `after` is of: with scales the node's
  // own units, else log1p minus level. target: NaN where value or node are unknown.
  float target(const NodeState& after, size_t v, float log1p_value) const;
  float decode_target(const NodeState& after, size_t v, float target) const;  // a value, >= 0 and finite
  // A target in the unit of every model without scales: log1p minus level.
  float relative_target(const NodeState& after, size_t v, float target) const;

  // The frame of an idle step: zeros, NaN where the tokenizer never saw the feature; of a universal model where the node
  // never had it.
  using Frame = std::array<float, series::kFeatureCount>;
  Frame idle_frame(const NodeState& state) const;

 private:
  struct Volume {
    int feature;
    size_t level;     // its level channel
    size_t relative;  // its relative channel, or SIZE_MAX
    float unit;       // of x: the value of its first bin
  };
  // What encode needs of the state before the position.
  struct Before {
    int64_t last_step;
    uint32_t seen[kMaxVolumes];
    float level[kMaxVolumes];
  };
  size_t running_inputs() const;
  size_t profile_inputs() const;
  size_t surround_inputs() const { return spec_.surroundings ? kSurroundInputs : 0; }
  float standard(const NodeState& state, size_t v, float x) const;
  void advance_running(NodeState& state, size_t v, int64_t idle_before, float x) const;
  void encode_running(const NodeState& after, std::span<const float> season, std::span<float> out) const;
  void encode_calendar(int64_t step, std::span<uint32_t> ids, size_t slot) const;
  // `habits`: of the frame; only universal models look at them.
  void advance(NodeState& state, int64_t step, std::span<const float> frame,
               const ProfileValues& habits) const;
  void advance_profile(NodeState& state, int64_t step, std::span<const float> frame,
                       const ProfileValues& habits) const;
  size_t day_inputs() const { return spec_.leads.size() * volumes_.size(); }
  void encode_day(const NodeState& after, int64_t step, std::span<float> out) const;
  void encode_tokens(const Before& before, const Moment& now, std::span<const float> values,
                     Position out) const;
  void encode_dense(const Before& before, const NodeState& after, std::span<const float> frame,
                    std::span<const float> season, std::span<float> out) const;

  const Tokenizer tokenizer_;
  InputSpec spec_;
  base::TimeZone zone_;
  std::vector<Volume> volumes_;
  std::vector<uint32_t> offsets_;  // of each slot in the embedding table
  std::vector<int> target_sizes_;
  Frame idle_frame_;
  ProfileRule profile_;
  std::vector<int> scales_;  // in steps
  size_t reference_ = 0;     // index into scales
  size_t slots_ = 0;
  size_t dense_ = 0;
  size_t vocabulary_ = 0;
  size_t target_vocabulary_ = 0;
};

}  // namespace netflowgen::token
