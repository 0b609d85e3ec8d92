// Scores -> thresholds: what a number of false alarms per node-day costs on validation data. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "detect/track.h"

namespace netflowgen::detect {

// A task's scores of many nodes, by node and then by step.
struct ScoreTable {
  std::vector<uint64_t> offsets{0};  // [nodes + 1]
  std::vector<int64_t> steps;        // [rows], increasing within a node
  std::vector<float> scores;         // [rows], NaN: none
  // What tracks latch on, [rows] or empty: they then go by the scores alone.
  std::vector<Band> bands;
  std::vector<std::array<float, kMaxVolumes>> seen;  // log1p

  size_t nodes() const { return offsets.size() - 1; }
};

// What is known of a row when false alarms are counted.
enum class RowTruth : uint8_t { kBenign, kAttack, kIgnored };

// One alert of a node.
struct AlertSpan {
  size_t node = 0;
  int64_t start_step = 0;
  int64_t raised_step = 0;
  int64_t end_step = 0;  // exclusive; past the last row when it lasts
  float peak = 0;
  // When it was up: [raised or resumed, end) each.
  std::vector<std::pair<int64_t, int64_t>> ups = {};
};

// What an alert on benign traffic counts for: one, and one more for each Timing::long_steps begun.
uint64_t false_alarms_of(const AlertSpan& alert, const Timing& timing);

// The alerts that a track raises, by node, then time. Resumed ones are one alert.
std::vector<AlertSpan> alerts_of(const ScoreTable& scores, const Threshold& threshold, const Timing& timing);

struct CalibratedThreshold {
  double false_alarms = 0;  // asked for, per node-day
  float threshold = 0;
  uint64_t episodes = 0;      // seen on validation with it
  bool extrapolated = false;  // validation is too short to hold even one: the threshold is a lower bound
  bool operator==(const CalibratedThreshold&) const = default;
};

inline constexpr double kFalseAlarmRates[] = {10, 3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001};
// `off` is the threshold of this many times the false alarms of `on`.
inline constexpr double kOffRatio = 10;

// The lowest threshold of each rate (descending) at which no more alerts than the rate allows touch benign
// rows only. A threshold lies between two scores, so that the last bit of one decides nothing: LibTorch and
// the engine differ there. `truth` is [rows] or empty: all benign. `node_days` counts all nodes and all time,
// silence included. Error: no finite score.
std::vector<CalibratedThreshold> calibrate(const ScoreTable& scores, std::span<const RowTruth> truth,
                                           double node_days, const Timing& timing,
                                           std::span<const double> rates = kFalseAlarmRates);

// Thresholds for an alert at `false_alarms` per node-day: the largest calibrated rate not above it.
// Error: it is below every calibrated rate.
Threshold threshold_for(std::span<const CalibratedThreshold> table, double false_alarms);
// Thresholds around an `on` that the operator gave.
Threshold threshold_at(std::span<const CalibratedThreshold> table, float on);

}  // namespace netflowgen::detect
