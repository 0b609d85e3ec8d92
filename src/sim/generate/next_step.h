// The forecast of a node's next position as distributions to take ranks from and to look values up in.
//
// A position is idle or active. Its probability to be idle is the smallest that a volume is zero, as all are. The distributions of the
// channels are those of an active position: what is left of a volume's zero. Missing is no value here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "token/encoder.h"

namespace netflowgen::sim {

// A node's own values of each channel, ascending, with repetitions: where within a token its values lie.
class OwnValues {
 public:
  explicit OwnValues(size_t channels) : values_(channels) {}
  void add(size_t channel, float value) { values_[channel].push_back(value); }
  void sort();
  // Those of a token: numbers in [low, high).
  std::span<const float> between(size_t channel, float low, float high) const;
  std::span<const float> all(size_t channel) const { return values_[channel]; }

 private:
  std::vector<std::vector<float>> values_;  // [channels]
};

// How often a node really had each token where it was active, beside what the forecasts of it said: what they are always wrong in.
class Habits {
 public:
  explicit Habits(size_t vocabulary) : seen_(vocabulary), expected_(vocabulary) {}
  // Factor of a token's probability; 1 where nothing is known.
  double factor(size_t at) const;
  // Share of the active steps with this token, and of all awake ones that were idle.
  double share(size_t at) const { return steps_ == 0 ? 0 : double{seen_[at]} / steps_; }
  double idle() const { return awake_ == 0 ? 0 : static_cast<double>(idle_) / awake_; }
  // Weight of these shares beside the forecast: what holds a series that goes on for long near the node's past.
  double weight(double most) const { return most * awake_ / (awake_ + 32.0); }
  void awake(bool idle) {
    ++awake_;
    idle_ += idle ? 1 : 0;
  }
  void expect(size_t at, double probability) { expected_[at] += static_cast<float>(probability); }
  void see(size_t at) { seen_[at] += 1; }
  void count() { ++steps_; }

 private:
  std::vector<float> seen_;      // [target_vocabulary]
  std::vector<float> expected_;  // [target_vocabulary] sum of probabilities
  uint32_t steps_ = 0;
  uint32_t awake_ = 0;
  uint32_t idle_ = 0;
};

class NextStep {
 public:
  static constexpr float kUnknown = -1;  // rank of a missing value

  explicit NextStep(const token::Encoder& encoder);

  // logits: [target_vocabulary] of the next-step head. given: [levels], channels that the node has.
  void set(std::span<const float> logits, std::span<const uint8_t> given, const Habits& habits);
  // The position turned out to be active, with this frame, [kFeatureCount].
  void learn(std::span<const float> frame, std::span<const uint8_t> given, Habits& habits) const;

  double idle() const { return idle_; }
  // Rank of a value, in [0, 1): the probability of smaller ones, and of equal ones the share `tie` in [0, 1).
  float rank(size_t channel, float value, const OwnValues& own, double tie) const;
  // The value of that rank. A category without a code gives -1.
  float value(size_t channel, double rank, const OwnValues& own) const;
  // The same of the gap until the next position, in steps, which is known to be longer than `passed`.
  double gap_rank(int64_t gap, double tie) const;
  int64_t gap(double rank, int64_t passed) const;

 private:
  struct Token {
    size_t number;  // of the channel
    double low;     // probability of what is below
    double mass;
  };
  Token find(size_t channel, double rank) const;
  Token at(size_t channel, size_t number) const;
  void bounds(size_t channel, size_t number, float& low, float& high) const;
  void set_channel(size_t channel, const Habits& habits);
  size_t number_of(size_t channel, float value) const;

  const token::Encoder& encoder_;
  std::vector<size_t> offsets_;  // [targets + 1] into p_
  std::vector<double> p_;        // [target_vocabulary] of each token, then conditional on an active position
  std::vector<double> raw_;      // as p_, before the habits
  double idle_ = 0;
};

}  // namespace netflowgen::sim
