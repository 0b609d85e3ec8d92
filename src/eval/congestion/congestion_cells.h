// Cells of the evaluation of congestion, with what the plain baselines say of each. Private to this folder.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/congestion/congestion_eval.h"
#include "eval/congestion/threshold_history.h"

namespace netflowgen::eval {

enum CongestionBaseline : size_t {
  kClimatology,
  kByHour,
  kPersistence,
  kPersistenceCalibrated,
  kWalk,
  kBaselines
};
inline constexpr std::array<const char*, kBaselines> kBaselineNames = {
    "climatology", "climatology by hour", "persistence", "persistence, calibrated", "random walk"};

struct CongestionCell {
  size_t origin = 0;   // of the period's
  size_t feature = 0;  // index
  size_t horizon = 0;  // index
  bool event = false;
  double threshold = 0;
  std::array<double, kBaselines> said{};
};

// Origins and scored cells of one period.
struct CongestionSide {
  std::vector<int64_t> steps;  // at which forecasts are made
  std::vector<Origin> origins;
  std::vector<CongestionCell> cells;
};

class CongestionCells {
 public:
  CongestionCells(const FrameTable& table, const Thresholds& thresholds, const CongestionOptions& options);

  CongestionSide validation, test;
  size_t series = 0;   // with a threshold
  size_t silent = 0;   // with one, and without an origin in the test period
  size_t without = 0;  // without one

 private:
  size_t index_of(base::TimeMs t) const;
  void add_node(size_t node);
  void add_origins(size_t node, CongestionSide& side) const;
  void add_cells(CongestionSide& side, size_t first, CongestionCell cell, const ThresholdSeries& s,
                 const ThresholdHistory& history) const;

  const FrameTable& table_;
  const Thresholds& thresholds_;
  const CongestionOptions& o_;
  size_t train_from_ = 0;  // steps since the archive's first
  size_t train_to_ = 0;
};

}  // namespace netflowgen::eval
