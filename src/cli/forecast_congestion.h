// netflowgen forecast --capacity and --above: how likely a volume passes a threshold.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/forecast/forecaster.h"
#include "series/frame_table.h"

namespace netflowgen::cli {

struct CongestionQuestion {
  std::string capacity;  // of the node, in bit/s; empty: `above`
  double share = 0.8;
  double above = 0;  // of the feature, in its unit a step

  bool asked() const { return !capacity.empty() || above > 0; }
  // UsageError: options that contradict each other; `feature` and `format` are those of `forecast`.
  void check(const std::string& feature, const std::string& format) const;
  // What a feature must pass, in its unit a step; NaN: it has no threshold.
  double threshold(int feature, int64_t step_ms) const;
};

// Forecasts of every volume at some origins.
struct CongestionForecast {
  std::string model;  // folder, whose congestion.json is used where there is one
  std::vector<eval::Origin> origins;
  std::vector<int> features;    // of the forecast's volumes
  std::vector<size_t> volumes;  // those asked for
  std::vector<int> leads;
  const eval::Forecast* forecast = nullptr;
};

void print_congestion(const CongestionQuestion& question, const series::FrameTable& table,
                      const CongestionForecast& forecast, bool csv);

}  // namespace netflowgen::cli
