#include "report/network_series.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace netflowgen::report {
namespace {

constexpr uint64_t kNode = 1;

// Index of the quantile nearest to `share`.
size_t nearest(std::span<const float> quantiles, double share) {
  size_t best = 0;
  for (size_t q = 1; q < quantiles.size(); ++q) {
    if (std::abs(static_cast<double>(quantiles[q]) - share) <
        std::abs(static_cast<double>(quantiles[best]) - share))
      best = q;
  }
  return best;
}

bool forecasts(const infer::Model& model) {
  return !model.spec().input.leads.empty() && !model.spec().quantiles.empty();
}

}  // namespace

NetworkSeries::NetworkSeries(std::shared_ptr<const infer::Model> model) : model_(std::move(model)) {
  if (model_ == nullptr || !forecasts(*model_)) return;
  infer::EngineOptions options;
  options.max_nodes = 1;
  engine_ = std::make_unique<infer::Engine>(model_, options);
}

double NetworkSeries::low_quantile() const {
  return engine_ == nullptr ? 0 : static_cast<double>(model_->spec().quantiles.front());
}
double NetworkSeries::high_quantile() const {
  return engine_ == nullptr ? 1 : static_cast<double>(model_->spec().quantiles.back());
}

void NetworkSeries::add(int64_t step, std::span<const float> frame) {
  NetworkStep s;
  s.step = step;
  std::copy(frame.begin(), frame.end(), s.frame.begin());
  if (engine_ != nullptr) {
    pass_idle(step);
    if (const auto it = coming_.find(step); it != coming_.end()) s.forecast = std::move(it->second);
    coming_.erase(coming_.begin(), coming_.upper_bound(step));
    position(step, frame);
  }
  steps_.push_back(std::move(s));
}

void NetworkSeries::pass_idle(int64_t step) {
  if (steps_.empty()) return;
  const auto& spec = model_->spec();
  const int64_t reach = int64_t{spec.layers} * spec.window + std::max(1, spec.input.idle_steps);
  for (int64_t t = std::max(steps_.back().step + 1, step - reach); t < step; ++t) {
    if (engine_->idle_items(t).empty()) break;
    position(t, {});
  }
}

void NetworkSeries::position(int64_t step, std::span<const float> frame) {
  infer::Wanted wanted;
  wanted.hidden = wanted.surprise = wanted.tasks = wanted.inject = wanted.direct = false;
  wanted.forecast = true;
  const infer::Item item{kNode, step, frame};
  engine_->step({&item, 1}, wanted, results_);
  if (!results_.stepped(0)) return;
  const auto& encoder = model_->encoder();
  const auto& quantiles = model_->spec().quantiles;
  const size_t middle = nearest(quantiles, 0.5);
  std::map<int, Band3> bands;
  for (size_t v = 0; v < encoder.volumes(); ++v) {
    const auto value = [&](size_t q) {
      return std::max(0.0, std::expm1(static_cast<double>(results_.forecast[v * quantiles.size() + q]) +
                                      static_cast<double>(results_.level[v])));
    };
    const Band3 band{value(0), value(middle), value(quantiles.size() - 1)};
    if (std::isfinite(band.low) && std::isfinite(band.high)) bands[encoder.volume_feature(v)] = band;
  }
  coming_[step + model_->spec().input.leads.front()] = std::move(bands);
}

series::NodeOptions network_nodes() {
  series::NodeOptions nodes;
  nodes.all_hosts = false;
  nodes.interfaces = true;
  return nodes;
}

flow::Flow as_network(const flow::Flow& flow, const series::AddressSet& own, bool all) {
  flow::Flow f = flow;
  f.exporter = {};
  f.in_if = all || own.contains(flow.dst) ? 1 : 0;
  f.out_if = all || own.contains(flow.src) ? 1 : 0;
  f.known |= flow::kKnownInterfaces;
  return f;
}

}  // namespace netflowgen::report
