// Runs forecasters on the protocol and makes their figures. Definitions: docs/evaluation.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/forecast/forecast_protocol.h"
#include "eval/metrics.h"

namespace netflowgen::eval {

inline constexpr double kLeastShare = 1e-3;  // a share of seasonal naive's error counts as at least this much
inline constexpr double kMuchWorse = 1.5;    // times the trees' loss on a series

// Pinball loss of the nine quantiles, twice, averaged over levels: the absolute error of a point forecast, and about
// the continuous ranked probability score of a distribution.
double quantile_loss(std::span<const float> quantiles, double truth);

// One series under one method, [horizon]. NaN: no cell was scored.
struct SeriesLoss {
  std::vector<double> absolute;  // mean absolute error of the median
  std::vector<double> quantile;  // mean quantile_loss
};

struct MethodRun {
  std::string method;
  std::vector<SeriesLoss> series;  // parallel to ForecastData::series
  double seconds = 0;              // fit and predict
};

// Geometric means over the series of a group on one side of the node split.
struct ForecastSummary {
  std::string method;
  SeriesGroup group = SeriesGroup::kActive;
  bool unseen = false;
  size_t horizon = 0;  // index
  size_t series = 0;
  double absolute = 0;  // error as a share of seasonal naive's
  double quantile = 0;  // quantile loss as a share of seasonal naive's (whose quantile loss is its error)
  double mase = 0;      // error as a share of seasonal naive's one-step error in training
  double quantile_mean = 0;  // as quantile, but the plain mean over series, which a few bad series can move
  double much_worse =
      0;  // share of series whose error is above kMuchWorse times the trees'; NaN without trees
  double much_worse_quantile = 0;
};

// One step ahead, categorical; over seen or unseen nodes' active and mostly-zero series alike.
struct NextStepSummary {
  std::string method;
  bool unseen = false;
  size_t cells = 0;
  double bits = 0;  // a feature; NaN: no distribution
  double accuracy = 0;
  double accuracy_changed = 0;  // where the bin differs from the origin's
  double changed = 0;           // share of such cells
};

// An excerpt for the report: a series' truth and forecasts of its origins.
struct Fan {
  std::string node;
  std::string feature;
  bool unseen = false;
  size_t horizon = 0;
  std::string method;
  std::vector<std::pair<double, double>> truth;  // (ms, value), every step
  std::vector<double> times;                     // of the forecasts' targets
  std::vector<float> quantiles;                  // [times, kQuantiles]
};

struct ForecastResult {
  ForecastData data;
  Bins bins;
  std::vector<MethodRun> runs;
  std::vector<ForecastSummary> summaries;
  std::vector<NextStepSummary> next;
  std::vector<Fan> fans;

  // Whose fans the report shows: a model where there is one, else the trees, else the first.
  std::string shown_method() const;
};

struct ForecastRunOptions {
  ForecastOptions protocol;
  uint64_t seed = 1;
  size_t bins = 64;  // of the categorical next step where no model's tokens are given
  size_t fans = 6;   // series in the report
  std::string reference = "trees";
};

// Methods in order. `bins`: a model's, or nullptr. Throws base::Stopped when asked to stop: what is not done is lost.
ForecastResult evaluate_forecast(const FrameTable& table, const std::vector<bool>& unseen,
                                 const ForecastRunOptions& options,
                                 const std::vector<std::unique_ptr<Forecaster>>& forecasters,
                                 const std::vector<std::unique_ptr<NextStepPredictor>>& predictors,
                                 const Bins* bins, const base::StopFlag& stop,
                                 const base::ProgressFn& progress);

}  // namespace netflowgen::eval
