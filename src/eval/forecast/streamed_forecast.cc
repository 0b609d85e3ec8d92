#include "eval/forecast/streamed_forecast.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "base/nan.h"
#include "eval/forecast/forecast_calibration.h"
#include "infer/table_scan.h"
#include "token/encoder.h"

namespace netflowgen::eval {
namespace {

std::vector<int> volumes_of(const infer::Model& model) {
  std::vector<int> features;
  for (size_t v = 0; v < model.encoder().volumes(); ++v)
    features.push_back(model.encoder().volume_feature(v));
  return features;
}

// A volume of which a node has no value up to the origin has no forecast: unknown is not zero.
void forget_unknown(const FrameTable& table, std::span<const Origin> origins, std::span<const int> features,
                    Forecast& forecast) {
  for (size_t i = 0; i < origins.size(); ++i) {
    const size_t end = table.lower_bound(origins[i].node, origins[i].step + 1);
    for (size_t v = 0; v < features.size(); ++v) {
      bool seen = false;
      for (size_t row = table.offsets[origins[i].node]; row < end && !seen; ++row)
        seen = !std::isnan(table.frame(row)[static_cast<size_t>(features[v])]);
      for (size_t h = 0; !seen && h < forecast.horizons; ++h) {
        const size_t cell = forecast.at(i, v, h);
        std::ranges::fill(forecast.quantiles_at(cell), base::kNaN);
        forecast.mean[cell] = forecast.median[cell] = base::kNaN;
      }
    }
  }
}

// What the encoder knows of a node after its origin: the direct heads speak in the node's own units.
token::NodeState state_at(const token::Encoder& encoder, const FrameTable& table, const Origin& origin) {
  token::NodeState state;
  const size_t end = table.lower_bound(origin.node, origin.step + 1);
  for (size_t row = table.offsets[origin.node]; row < end; ++row) {
    const int64_t step = table.steps[row];
    const bool first = state.last_step == token::kNever;
    if (!first && encoder.spec().idle_steps < 0 && state.last_step < step - 1)
      encoder.skip_idle(state, step - 1);
    while (!first && state.last_step < step - 1 && encoder.is_position(state, state.last_step + 1))
      encoder.advance(state, state.last_step + 1, {});
    encoder.advance(state, step, table.frame(row));
  }
  return state;
}

// `direct`: [leads, volumes, quantiles] as Encoder::target; values are added, ascending.
void add_values(const token::Encoder& encoder, const token::NodeState& state, std::span<const float> direct,
                size_t origin, Forecast& forecast) {
  std::array<float, kQuantiles> values;
  for (size_t cell = 0; cell * kQuantiles < direct.size(); ++cell) {
    const size_t volume = cell % forecast.features;
    for (size_t q = 0; q < kQuantiles; ++q)
      values[q] = encoder.decode_target(state, volume, direct[cell * kQuantiles + q]);
    std::ranges::sort(values);
    const auto to = forecast.quantiles_at(forecast.at(origin, volume, cell / forecast.features));
    for (size_t q = 0; q < kQuantiles; ++q) to[q] += values[q];
  }
}

// Mean and median of the quantiles.
void summarize(Forecast& forecast) {
  for (size_t cell = 0; cell < forecast.mean.size(); ++cell) {
    const auto q = forecast.quantiles_at(cell);
    const double sum = std::accumulate(q.begin(), q.end(), 0.0);
    forecast.mean[cell] = static_cast<float>(sum / kQuantiles);
    forecast.median[cell] = q[kQuantiles / 2];
  }
}

}  // namespace

StreamedForecasts::StreamedForecasts(const std::vector<std::string>& folders, int64_t step_ms, int threads)
    : names_(folders), threads_(threads) {
  infer::ModelOptions options;
  options.step_ms = step_ms;
  for (const auto& folder : folders) {
    models_.push_back(infer::Model::load(folder, options));
    check(*models_.back(), folder);
  }
  features_ = volumes_of(*models_.front());
}

StreamedForecasts::StreamedForecasts(std::shared_ptr<const infer::Model> model, const std::string& name,
                                     int threads)
    : models_{std::move(model)}, names_{name}, threads_(threads) {
  check(*models_.front(), name);
  features_ = volumes_of(*models_.front());
}

void StreamedForecasts::check(const infer::Model& model, const std::string& name) const {
  const auto& spec = model.spec();
  if (spec.input.leads.empty())
    throw base::Error("{} forecasts nothing ahead; pretrain with --horizons", name);
  bool usual = spec.quantiles.size() == kQuantiles;
  for (size_t q = 0; usual && q < kQuantiles; ++q)
    usual = std::fabs(static_cast<double>(spec.quantiles[q]) - kQuantileLevels[q]) < 1e-6;
  if (!usual)
    throw base::Error("{} forecasts the quantiles {}, and forecasts are of the nine from .1 to .9", name,
                      fmt::join(spec.quantiles, ", "));
  if (spec.input.leads != models_.front()->spec().input.leads ||
      volumes_of(model) != volumes_of(*models_.front()))
    throw base::Error("{} and {} differ in horizons or features and cannot be averaged", names_.front(),
                      name);
}

BetweenLeads StreamedForecasts::between(int64_t steps) const {
  const bool universal = models_.front()->spec().input.universal;
  if (const auto at = between_leads(leads(), steps, universal)) return *at;
  throw base::UsageError("{} does not forecast {} steps ahead but {}{}", names_.front(), steps,
                         fmt::join(leads(), ", "), universal ? " and what lies between" : "");
}

Forecast StreamedForecasts::at_horizons(const Forecast& said, std::span<const int64_t> horizons) const {
  Forecast out(said.origins, said.features, horizons.size());
  for (size_t h = 0; h < horizons.size(); ++h) {
    const auto at = between(horizons[h]);
    for (size_t i = 0; i < said.origins; ++i) {
      for (size_t f = 0; f < said.features; ++f)
        mix_cells(said, said.at(i, f, at.low), said.at(i, f, at.high), at.share, out.at(i, f, h), out);
    }
  }
  return out;
}

Forecast StreamedForecasts::at(const FrameTable& table, std::span<const Origin> origins,
                               const base::StopFlag& stop, const base::ProgressFn& progress,
                               bool bound) const {
  Forecast forecast(origins.size(), features_.size(), leads().size());
  if (origins.empty()) return forecast;
  infer::ScanOptions scan;
  scan.wanted = {false, false, false, false, true, false, false};
  scan.threads = threads_;
  scan.keep.assign(table.rows(), false);
  std::unordered_map<size_t, size_t> origin_of;  // by row
  for (size_t i = 0; i < origins.size(); ++i) {
    const size_t row = table.lower_bound(origins[i].node, origins[i].step);
    origin_of[row] = i;
    scan.nodes.push_back(origins[i].node);
    scan.keep[row] = true;
  }
  for (const auto& model : models_) {
    const auto add = [&](const infer::ScanResults& found) {
      const size_t width = found.results.direct.size() / found.rows.size();
      for (size_t i = 0; i < found.rows.size(); ++i)
        add_values(model->encoder(), state_at(model->encoder(), table, origins[origin_of.at(found.rows[i])]),
                   std::span(found.results.direct).subspan(i * width, width), origin_of.at(found.rows[i]),
                   forecast);
    };
    infer::scan_table(model, table, scan, add, stop, progress);
  }
  for (float& q : forecast.quantiles) q /= static_cast<float>(models_.size());
  summarize(forecast);
  if (bound) bound_by_history(table, origins, features_, forecast);
  forget_unknown(table, origins, features_, forecast);
  return forecast;
}

std::vector<Origin> last_origins(const FrameTable& table, std::span<const size_t> nodes, int64_t end_step) {
  std::vector<Origin> origins;
  const auto add = [&](size_t node) {
    const size_t end = table.lower_bound(node, end_step);
    if (end > table.offsets[node]) origins.push_back({node, table.steps[end - 1]});
  };
  for (size_t node = 0; nodes.empty() && node < table.nodes.size(); ++node) add(node);
  for (const size_t node : nodes) add(node);
  return origins;
}

}  // namespace netflowgen::eval
