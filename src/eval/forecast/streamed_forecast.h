// Forecasts of pre-trained models by the streaming engine: direct heads, averaged over models, in the features' units.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/stop.h"
#include "eval/forecast/between_leads.h"
#include "eval/forecast/forecaster.h"
#include "infer/weights.h"

namespace netflowgen::eval {

class StreamedForecasts {
 public:
  // For series of steps of `step_ms`. Error: a model that cannot be read, is not for such steps, forecasts nothing ahead, or
  // other quantiles than kQuantileLevels; models of different horizons or volumes.
  StreamedForecasts(const std::vector<std::string>& folders, int64_t step_ms, int threads);
  StreamedForecasts(std::shared_ptr<const infer::Model> model, const std::string& name, int threads);

  const std::vector<int>& leads() const { return models_.front()->spec().input.leads; }  // in steps
  const std::vector<int>& features() const { return features_; }  // of the models' volumes
  // Where a horizon lies among the leads. Error: the models do not forecast it.
  BetweenLeads between(int64_t steps) const;

  // Of every volume and lead at the origins, which are by node and at most one of a node, at rows of the table. A volume of
  // which the node has no value up to the origin has no forecast: NaN. With `bound`, no value is above the node's largest
  // so far.
  Forecast at(const FrameTable& table, std::span<const Origin> origins, const base::StopFlag& stop,
              const base::ProgressFn& progress, bool bound = true) const;
  // The same at horizons in steps, of `said`, which is of every lead. Error: as between().
  Forecast at_horizons(const Forecast& said, std::span<const int64_t> horizons) const;

 private:
  void check(const infer::Model& model, const std::string& name) const;

  std::vector<std::shared_ptr<const infer::Model>> models_;
  std::vector<std::string> names_;
  std::vector<int> features_;
  int threads_;
};

// The last active step of each node before `end_step`, and of the nodes given (empty: all); nodes that were silent until then
// have none.
std::vector<Origin> last_origins(const FrameTable& table, std::span<const size_t> nodes, int64_t end_step);

}  // namespace netflowgen::eval
