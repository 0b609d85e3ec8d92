#include "eval/congestion/threshold_history.h"

#include <algorithm>
#include <cmath>

namespace netflowgen::eval {
namespace {

constexpr double kPrior = 5;  // steps' worth
constexpr int64_t kHourMs = 3'600'000;

}  // namespace

Passed ThresholdSeries::after(size_t at, size_t horizon, float& most) const {
  bool unknown = at + horizon >= values.size();
  most = -INFINITY;
  for (size_t i = at + 1; i <= at + horizon && i < values.size(); ++i) {
    unknown |= std::isnan(values[i]);
    if (values[i] > most) most = values[i];
  }
  if (most > threshold) return Passed::kYes;
  return unknown ? Passed::kUnknown : Passed::kNo;
}

ThresholdSeries threshold_series(const FrameTable& table, size_t node, int feature, double threshold) {
  ThresholdSeries s{std::vector<float>(static_cast<size_t>(table.end_step - table.first_step)),
                    static_cast<float>(std::log1p(threshold))};
  for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
    s.values[static_cast<size_t>(table.steps[row] - table.first_step)] =
        std::log1p(table.frame(row)[static_cast<size_t>(feature)]);
  }
  return s;
}

void ThresholdHistory::Share::add(bool event) {
  events += event ? 1 : 0;
  steps += 1;
}

double ThresholdHistory::Share::rate(double prior) const {
  return (events + kPrior * prior) / (steps + kPrior);
}

size_t ThresholdHistory::hour_of(int64_t step) const {
  return static_cast<size_t>(step * step_ms_ / kHourMs % static_cast<int64_t>(hours_.size()));
}

ThresholdHistory::ThresholdHistory(const FrameTable& table, const ThresholdSeries& series, size_t from,
                                   size_t to, size_t horizon)
    : step_ms_(table.step_ms) {
  for (size_t at = from; at + horizon < to; ++at) {
    float most = 0;
    const Passed passed = series.after(at, horizon, most);
    if (passed == Passed::kUnknown) continue;
    const bool yes = passed == Passed::kYes;
    all_.add(yes);
    hours_[hour_of(table.first_step + static_cast<int64_t>(at))].add(yes);
    if (std::isnan(series.values[at])) continue;
    from_[series.above(at) ? 1 : 0].add(yes);
    changes_.push_back(most - series.values[at]);
  }
  std::sort(changes_.begin(), changes_.end());
}

double ThresholdHistory::walk(const ThresholdSeries& series, float value) const {
  const auto above =
      changes_.end() - std::upper_bound(changes_.begin(), changes_.end(), series.threshold - value);
  return Share{static_cast<double>(above), static_cast<double>(changes_.size())}.rate(climatology());
}

}  // namespace netflowgen::eval
