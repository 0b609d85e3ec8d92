// Quantiles made as wide as they were worth on validation. A model learns its quantiles in units of its own, by levels that
// pool all series, and what comes after training is not quite what was in it: its outer quantiles may stand too far out or
// too near. One factor a (feature, horizon, level), on the distance from the median, is chosen on the validation period.
#pragma once

#include <span>
#include <vector>

#include "eval/forecast/forecast_protocol.h"

namespace netflowgen::eval {

class QuantileScale {
 public:
  // `data` is of the validation period, `forecast` what a method that had not seen it said there. Nodes that are unseen take
  // no part. Minimises the mean logarithm of the active series' quantile loss.
  QuantileScale(const ForecastData& data, const Forecast& forecast);

  // The median stays, quantiles ascend.
  void apply(Forecast& forecast) const;
  double factor(size_t feature, size_t horizon, size_t level) const {
    return factors_[(feature * horizons_ + horizon) * kQuantiles + level];
  }

 private:
  void fit(const ForecastData& data, const Forecast& forecast, size_t feature, size_t horizon);

  size_t horizons_;
  std::vector<double> factors_;  // [feature, horizon, kQuantiles]
};

// Bounds a forecast by the most that each series had had up to the origin. Quantiles in units of a logarithm, far ahead on a
// series unlike those learnt from, can say a thousand times that; a tenth of the time a series may pass its record, not more.
void bound_by_history(const FrameTable& table, std::span<const Origin> origins, std::span<const int> features,
                      Forecast& forecast);

}  // namespace netflowgen::eval
