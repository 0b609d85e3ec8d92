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
//   target [levels] its own level tokens, which the previous position predicts
//
// Invariants: 1. A position depends on the node's past and present only. 2. NodeState is plain data: copy to
// save.
// 3. An Encoder is constant after construction and shared by threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "token/tokenizer.h"

namespace netflowgen::token {

inline constexpr int kMaxVolumes = 6;  // volume features of the table
inline constexpr int kGapTokens = 26;  // 0: first position of a node; k >= 1: gap in (2^(k-2), 2^(k-1)]
inline constexpr float kLevelRate = 1.0f / 32;  // of the running mean, once 32 values were seen
inline constexpr int64_t kNever = INT64_MIN;

enum class Calendar : uint8_t {
  kNone,
  kDay,    // ten-minute slot of the day, weekday
  kPaper,  // minute, hour, weekday, day of month: 60 + 24 + 7 + 31 = 122 one-hot inputs
};

struct InputSpec {
  int64_t step_ms = 60000;
  int idle_steps = 4;  // R; -1: every step is a position
  Calendar calendar = Calendar::kDay;
  int utc_offset_minutes = 0;  // of the network's time zone
  bool dense = true;
  int nodes = 0;  // rows of a node lookup, row 0 is "unknown"; 0: none (preset `paper` has one)
  std::vector<int> season_lags;  // in steps, e.g. one day and one week; empty: none
  std::vector<int> leads = {1};  // in steps: horizons of the direct heads, and of the seasonal inputs
  bool operator==(const InputSpec&) const = default;
};

// What an encoder remembers of a node between positions.
struct NodeState {
  int64_t last_step = kNever;  // of the last position
  int32_t idle_run = 0;        // idle positions since the last active one
  uint32_t seen[kMaxVolumes] = {};
  float level[kMaxVolumes] = {};  // running mean of log1p of the non-zero values
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
  Encoder(const Tokenizer& tokenizer, InputSpec spec);

  const Tokenizer& tokenizer() const { return tokenizer_; }
  const InputSpec& spec() const { return spec_; }
  size_t slots() const { return slots_; }
  size_t dense() const { return dense_; }
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
  // Encodes one position and advances the state. `frame` is [kFeatureCount], or empty for an idle step.
  // `season` is [lag, lead, volume] of log1p values at step + lead - lag, NaN where unknown; [season()].
  // REQUIRES: step > state.last_step.
  void encode(NodeState& state, int64_t step, std::span<const float> frame, std::span<const float> season,
              uint32_t node_row, Position out) const;
  // Advances only the state, as encode does.
  void advance(NodeState& state, int64_t step, std::span<const float> frame) const;
  // The frame of an idle step: zeros, NaN where the tokenizer never saw the feature.
  std::span<const float> idle_frame() const { return idle_frame_; }

 private:
  struct Volume {
    int feature;
    size_t level;     // its level channel
    size_t relative;  // its relative channel, or SIZE_MAX
  };
  void encode_calendar(int64_t step, std::span<uint32_t> ids, size_t slot) const;
  void encode_dense(const NodeState& before, const NodeState& after, std::span<const float> frame,
                    std::span<const float> season, std::span<float> out) const;

  const Tokenizer tokenizer_;
  InputSpec spec_;
  std::vector<Volume> volumes_;
  std::vector<uint32_t> offsets_;  // of each slot in the embedding table
  std::vector<int> target_sizes_;
  std::vector<float> idle_frame_;
  size_t slots_ = 0;
  size_t dense_ = 0;
  size_t vocabulary_ = 0;
  size_t target_vocabulary_ = 0;
};

}  // namespace netflowgen::token
