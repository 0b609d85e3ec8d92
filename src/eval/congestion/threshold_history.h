// A series beside a threshold: when it passed, and what its past says of passing again within some steps. What the baselines of
// congestion are made of, and the history that a calibrated probability takes in.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::eval {

enum class Passed : uint8_t { kNo, kYes, kUnknown };

// Every step of the archive, as log(1 + value); idle steps are zeros.
struct ThresholdSeries {
  std::vector<float> values;  // [steps] NaN: unknown
  float threshold = 0;        // as log(1 + threshold)

  bool above(size_t at) const { return values[at] > threshold; }
  // Whether one of the `horizon` steps after `at` is above; `most`: the most of those that are known.
  Passed after(size_t at, size_t horizon, float& most) const;
};

ThresholdSeries threshold_series(const FrameTable& table, size_t node, int feature, double threshold);

// What steps of a series say of one horizon.
class ThresholdHistory {
 public:
  // Steps [from, to), counted from the archive's first, of which the horizon's end lies before `to`.
  ThresholdHistory(const FrameTable& table, const ThresholdSeries& series, size_t from, size_t to,
                   size_t horizon);

  // Share of the steps from which the threshold was passed; 0 without one.
  double climatology() const { return all_.steps > 0 ? all_.events / all_.steps : 0; }
  double by_hour(int64_t step) const { return hours_[hour_of(step)].rate(climatology()); }
  // Of the steps that were above, or below.
  double from(bool above) const { return from_[above ? 1 : 0].rate(climatology()); }
  // Share of the changes, from a step to the most of those after it, that would pass the threshold from `value`.
  double walk(const ThresholdSeries& series, float value) const;

 private:
  struct Share {
    double events = 0;
    double steps = 0;
    void add(bool event);
    double rate(double prior) const;  // with some steps' worth of the series' own rate
  };
  size_t hour_of(int64_t step) const;

  int64_t step_ms_;
  Share all_;
  std::array<Share, 24> hours_;
  std::array<Share, 2> from_;   // below, above
  std::vector<float> changes_;  // ascending
};

}  // namespace netflowgen::eval
