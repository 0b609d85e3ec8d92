#include "serve/history/network_forecast.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace netflowgen::serve {
namespace {

infer::EngineOptions options() {
  infer::EngineOptions o;
  o.max_nodes = 1;
  o.threads = 1;
  return o;
}

}  // namespace

NetworkForecast::NetworkForecast(std::shared_ptr<const infer::Model> model,
                                 std::shared_ptr<const ScoreLayout> layout)
    : model_(model), layout_(std::move(layout)), engine_(std::move(model), options()) {}

VolumeFans NetworkForecast::add(int64_t step, const Totals& totals) {
  VolumeFans fans = no_fans();
  if (layout_->quantiles == 0) return fans;
  std::array<float, series::kFeatureCount> frame;
  frame.fill(base::kNaN);
  for (size_t v = 0; v < kVolumeCount; ++v) frame[static_cast<size_t>(kVolumes[v])] = totals[v];
  const infer::Item item{infer::node_key("the network"), step, frame};
  infer::Wanted wanted;
  wanted.hidden = wanted.surprise = wanted.tasks = wanted.inject = wanted.direct = false;
  wanted.forecast = true;
  engine_.step({&item, 1}, wanted, results_);
  if (!results_.stepped(0)) return fans;
  next_step_ = step + 1;
  for (size_t v = 0; v < kVolumeCount; ++v) {
    if (layout_->volume[v] < 0) continue;
    const auto e = static_cast<size_t>(layout_->volume[v]);
    for (size_t q = 0; q < kQuantiles; ++q) {
      const float x = results_.level[e] + results_.forecast[e * layout_->quantiles + layout_->quantile[q]];
      if (!std::isnan(x)) fans[v][q] = static_cast<float>(std::expm1(std::clamp(double{x}, 0.0, 60.0)));
    }
  }
  return fans;
}

}  // namespace netflowgen::serve
