// How good probabilities of congestion are: Brier skill over climatology and persistence. Definitions: docs/evaluation.md,
// Congestion.
//
// A cell is an (origin, series, horizon) with a threshold. Its event: the series passes its threshold in one of the steps up to
// the horizon. A cell of which that cannot be known is not scored. All methods are scored on the same cells.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/congestion/congestion.h"
#include "eval/congestion/congestion_file.h"
#include "eval/forecast/forecaster.h"
#include "eval/metrics.h"

namespace netflowgen::eval {

struct CongestionOptions {
  Period train;
  Period validation;  // late part of train, where probabilities are calibrated
  Period test;
  std::vector<int64_t> horizons = {1, 6, 12};  // in steps, ascending
  std::vector<int64_t> leads = {1, 6, 12};  // that forecasters forecast; those up to a horizon count for it
  std::vector<int> features;
  int64_t every_ms = 3'600'000;  // between origins
  int64_t season_ms = 86'400'000;
  size_t resamples = 1000;  // of days
  uint64_t seed = 1;
};

struct CongestionSummary {
  std::string method;
  size_t horizon = 0;  // index
  double brier = 0;    // mean squared difference of probability and event
  double skill = 0;    // 1 - brier over that of the best of the plain baselines
  Interval skill_interval;
  double mean = 0;   // of the probabilities
  double auroc = 0;  // how well they rank cells
};

struct CongestionResult {
  CongestionOptions options;
  size_t series = 0;              // with a threshold
  size_t silent = 0;              // with one, and no traffic in the test period: not scored
  size_t without = 0;             // without one
  std::vector<size_t> cells;      // [horizons]
  std::vector<double> base_rate;  // [horizons] share of cells with the event
  std::vector<std::string> best;  // [horizons] the best plain baseline
  std::vector<CongestionSummary> summaries;
};

// Beside the forecasters, as they are and calibrated ("NAME, calibrated": a logistic regression on the validation period), the plain
// baselines: "climatology" (the share of a series' training steps from which the event followed), "climatology by hour", "persistence"
// (1 where the series is above its threshold, else 0), "persistence, calibrated" (the share of training steps from which the
// event followed, of those as high or as low), "random walk" (the share of the series' changes in training, from a step to the most
// of those after it, that would pass the threshold from here). Error: no series has a threshold or traffic; periods outside the store.
CongestionResult evaluate_congestion(const FrameTable& table, const Thresholds& thresholds,
                                     const CongestionOptions& options,
                                     const std::vector<std::unique_ptr<Forecaster>>& forecasters,
                                     const base::StopFlag& stop, const base::ProgressFn& progress);

// What "NAME, calibrated" learns, for users: a calibration for each of options.horizons. History is of options.train, outcomes of
// options.validation, which should follow it; options.test is not used. Error: no cell in the validation period.
CongestionCalibration fit_congestion(const FrameTable& table, const Thresholds& thresholds,
                                     const CongestionOptions& options, Forecaster& forecaster);

std::string congestion_table(const CongestionResult& result, const FrameTable& table);
std::string congestion_json(const CongestionResult& result, const FrameTable& table);

}  // namespace netflowgen::eval
