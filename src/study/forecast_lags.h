// What trees see of a series at an origin when they forecast it. Causal; idle steps are zeros.
//
// A value y of a feature is taken as x = log1p(y / unit), the unit being the feature's smallest usual non-zero value,
// and then in the series' own units, z = B asinh((x - m) / (d + F) / B), m and d its mean and deviation over the last
// season: so that trees need not learn each level anew.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/time_zone.h"
#include "eval/forecast/forecaster.h"

namespace netflowgen::study {

// A series as x at every step of the archive, with sums for quick means. NaN: unknown.
class LaggedSeries {
 public:
  LaggedSeries(const eval::FrameTable& table, size_t node, int feature, float unit);

  float at(int64_t step) const;  // NaN outside
  // Over the known values of (last - count, last]: mean, deviation, share of zeros. NaN: none known.
  struct Moments {
    float mean, deviation, zeros;
  };
  Moments moments(int64_t last, int64_t count) const;

 private:
  int64_t first_;
  std::vector<float> x_;
  std::vector<double> sum_, square_;
  std::vector<uint32_t> known_, zero_;
};

// Own units at an origin.
struct OwnUnits {
  float mean = 0;
  float deviation = 1;
  float unit = 1;

  float standard(float x) const;  // x to z; NaN stays NaN
  float value(float z) const;     // z to y, >= 0, finite
};
OwnUnits own_units(const LaggedSeries& series, int64_t step, int64_t season_steps, float unit);

class ForecastLags {
 public:
  // `zone`: of the calendar.
  ForecastLags(int64_t step_ms, int64_t season_steps, base::TimeZone zone)
      : step_ms_(step_ms), season_(season_steps), zone_(std::move(zone)) {}
  size_t columns() const;
  // `out` is [columns()]. `others`: the node's other features, of which the first is shown.
  void fill(const LaggedSeries& own, const LaggedSeries* other, const OwnUnits& units,
            const OwnUnits& other_units, int64_t step, int64_t horizon, size_t feature, float* out) const;

 private:
  int64_t step_ms_;
  int64_t season_;
  base::TimeZone zone_;
};

// The first percentile of the feature's non-zero values over the task's nodes and training period; 1 without any.
float smallest_usual(const eval::ForecastTask& task, int feature);

}  // namespace netflowgen::study
