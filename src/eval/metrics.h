// Numbers from scores: ranking quality, and intervals from resampling days. Definitions: docs/evaluation.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace netflowgen::eval {

// One scored row. A benign row has event -1 and weighs 1.
struct ScoredRow {
  float score = 0;
  int32_t event = -1;
  int32_t day = 0;  // the unit of resampling
};

struct PrPoint {
  double recall = 0;
  double precision = 0;
  float threshold = 0;
};

// Rows sorted once, highest score first, and weighed: a positive row weighs (positive rows / events) / (rows
// of its event), so that each event counts the same and all events together as much as their rows do.
//
// Invariants: 1. NaN scores rank below all others. 2. Rows of equal score are one point of the curve.
class Ranking {
 public:
  // `events` is the number of events that should have been found; those without a row are missed at every
  // threshold. by_event false: every row weighs 1 (metrics "per step").
  Ranking(std::vector<ScoredRow> rows, size_t events, bool by_event = true);

  // Average precision: the sum over thresholds of precision times the recall gained there. NaN without a
  // positive row.
  double auprc() const { return auprc({}); }
  // Area under the ROC curve, ties counted half. NaN unless there are rows of both kinds.
  double auroc() const;
  // The same with each row also weighed by its day's multiplicity (a bootstrap resample); empty: all 1.
  double auprc(std::span<const uint32_t> day_weights) const;
  // The curve, thinned to at most `points` of them.
  std::vector<PrPoint> curve(size_t points) const;

 private:
  std::vector<ScoredRow> rows_;  // by score, descending
  std::vector<float> weights_;   // [rows]
  double lost_ = 0;              // weight of events without a row
};

// 2.5 and 97.5 percentiles of `statistic` over resamples of `days` days with replacement, given to it as each
// day's multiplicity. NaN results are left out.
struct Interval {
  double low = 0;
  double high = 0;
};
Interval resample_days(size_t days, size_t resamples, uint64_t seed,
                       const std::function<double(std::span<const uint32_t>)>& statistic);

struct MeanDeviation {
  double mean = 0;
  double deviation = 0;  // sample standard deviation; 0 for one value
  size_t count = 0;      // finite values
};
MeanDeviation mean_deviation(std::span<const double> values);

// q-quantile by linear interpolation between order statistics; NaN when empty.
double quantile(std::vector<double> values, double q);

// Kaplan-Meier: share of events not yet found at each time, misses censored at `time`.
struct Lifetime {
  double time = 0;
  bool observed = false;
};
struct SurvivalPoint {
  double time = 0;
  double survival = 1;
};
std::vector<SurvivalPoint> kaplan_meier(std::vector<Lifetime> lifetimes);
// The first time at which survival is at most one half; infinity when it never is.
double median_survival(std::span<const SurvivalPoint> curve);

}  // namespace netflowgen::eval
