// Frames -> tokens and back. Fitted once on the training period, then constant; safe to share between
// threads.
//
// A channel is one column of tokens. Level channels (one a feature seen in training) are inputs and targets;
// relative channels (one a volume: log ratio to the node's own recent level) are inputs only.
// Tokens of every channel: 0 missing, 1 exactly zero, 2.. bins in ascending order (categories: by frequency,
// the last is "other").
//
// Invariants: 1. encode(decode_value(token)) == token. 2. Larger values never get smaller tokens. 3. Level
// bins of volumes, counts and quantities reach a million times the largest training value, each bin twice the
// last (an attack lives there). 4. tokens.json holds all of it, and save-load-save is byte-identical.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "series/features.h"
#include "token/sketch.h"

namespace netflowgen::token {

using Token = uint16_t;
inline constexpr Token kMissing = 0;
inline constexpr Token kZero = 1;
inline constexpr Token kFirstBin = 2;

enum class ChannelKind : uint8_t { kLevel, kCategory, kRelative };

struct Channel {
  int feature = 0;  // series::FeatureIndex
  ChannelKind kind = ChannelKind::kLevel;
  std::vector<float> edges;    // inner edges, ascending; bin i is [edges[i - 1], edges[i])
  std::vector<float> values;   // kLevel: a representative of each bin, [edges + 1]
  std::vector<int32_t> codes;  // kCategory: known codes, most frequent first

  int vocabulary() const {
    return kFirstBin + static_cast<int>(kind == ChannelKind::kCategory ? codes.size() : edges.size()) + 1;
  }
  // Token of a value: for kRelative the natural log of value / level. REQUIRES: not NaN, > 0 for kLevel.
  Token bin(float x) const;
  // Level: the value of a token (0 for missing and zero). Category: the code (-1 for other).
  float decode_value(Token token) const;
  bool operator==(const Channel&) const = default;
};

// How features are cut into bins.
struct TokenOptions {
  int volume_bins = 128;
  int count_bins = 64;
  int quantity_bins = 64;
  int ratio_bins = 32;
  int categories = 62;         // most frequent codes kept
  double max_bin_ratio = 1.5;  // no level bin below the tail is wider than this; 0: no limit
  bool tail = true;            // geometric bins from the 99.5th percentile to a million times the maximum
  bool relative = true;        // relative channels for volumes

  static TokenOptions paper() { return {10, 10, 10, 10, 8, 0, false, false}; }
};

class Tokenizer;

// One mergeable pass over the training frames. add / merge / finish.
class TokenFit {
 public:
  TokenFit();
  void add(std::span<const float> frame);  // [kFeatureCount]
  void merge(const TokenFit& other);
  // Features that no frame gave are left out. Error: no frame at all.
  Tokenizer finish(const TokenOptions& options) const;

 private:
  std::vector<Sketch> sketches_;                         // [kFeatureCount]
  std::vector<std::map<int32_t, uint64_t>> categories_;  // [kFeatureCount], used by kCategory
};

class Tokenizer {
 public:
  // Level channels in feature order, then relative channels.
  const std::vector<Channel>& channels() const { return channels_; }
  size_t levels() const { return levels_; }  // channels [0, levels) are level channels: the targets
  size_t relatives() const { return channels_.size() - levels_; }
  // Mean and deviation of log1p over training frames, for the dense inputs; parallel to level channels.
  const std::vector<float>& log_mean() const { return log_mean_; }
  const std::vector<float>& log_deviation() const { return log_deviation_; }
  bool is_category(size_t level) const { return channels_[level].kind == ChannelKind::kCategory; }

  // Level tokens of a frame, [levels].
  void encode(std::span<const float> frame, std::span<Token> tokens) const;

  // Fixed bins for every feature and any network: nothing is fitted. Geometric for all but ratios and categories.
  static Tokenizer universal();

  std::string to_json() const;
  static Tokenizer from_json(std::string_view text, const std::string& where);  // Error names `where`
  bool operator==(const Tokenizer&) const = default;

 private:
  friend class TokenFit;
  std::vector<Channel> channels_;
  size_t levels_ = 0;
  std::vector<float> log_mean_;
  std::vector<float> log_deviation_;
};

}  // namespace netflowgen::token
