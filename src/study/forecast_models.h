// Pre-trained models as methods of the forecast evaluation: direct heads, averaged over models, and the next step's
// tokens as bins.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/forecast/between_leads.h"
#include "eval/forecast/forecaster.h"
#include "learn/feature_cache.h"

namespace netflowgen::study {

class ForecastModels {
 public:
  // Error: as learn::Backbone; models of different horizons, features or tokens.
  // `history_ms`: how long before the first origin the models begin to look; 0: at the store's beginning.
  ForecastModels(const std::vector<std::string>& folders, std::string device, int threads, int64_t history_ms,
                 const base::StopFlag& stop, base::ProgressFn progress);

  // Horizons, volumes and quantiles are those of every model.
  const learn::Backbone& first() const { return backbones_.front(); }
  // Error: a store of another step; a horizon that the models do not forecast (between).
  void check(const series::FrameTable& table, const std::vector<int64_t>& horizons) const;
  // The tokens of numeric features as bins: bin = token - 1.
  const eval::Bins& bins() const { return bins_; }
  // What the models say at the origins; walked once for the same origins. `untrained`: the first model, random weights.
  struct Said {
    eval::Forecast forecast;  // of every volume and lead of the models
    eval::NextStep next;      // of bins()
  };
  const Said& at(const series::FrameTable& table, std::span<const eval::Origin> origins, bool untrained);
  // Index of a feature among the models' volumes. Error: none.
  size_t volume_of(int feature) const;
  // Where a horizon lies among the models' leads. Error: a horizon outside; of a model that is not universal, one that is no
  // lead.
  eval::BetweenLeads between(int64_t horizon) const;

 private:
  Said walk(const learn::Backbone& backbone, const series::FrameTable& table,
            std::span<const eval::Origin> origins) const;

  std::vector<std::string> folders_;
  std::string device_;
  int threads_;
  int64_t history_ms_;
  const base::StopFlag* stop_;
  base::ProgressFn progress_;
  std::vector<learn::Backbone> backbones_;
  eval::Bins bins_;
  std::vector<size_t> channels_;  // of bins_, level channels
  std::unique_ptr<Said> said_[2];
  std::vector<eval::Origin> origins_[2];
};

void add_model_methods(const std::shared_ptr<ForecastModels>& models, bool untrained,
                       std::vector<std::unique_ptr<eval::Forecaster>>& forecasters,
                       std::vector<std::unique_ptr<eval::NextStepPredictor>>& predictors);

}  // namespace netflowgen::study
