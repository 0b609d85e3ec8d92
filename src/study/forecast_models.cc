#include "study/forecast_models.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace netflowgen::study {
namespace {

constexpr float kNoBits = std::numeric_limits<float>::quiet_NaN();

class ModelForecaster : public eval::Forecaster {
 public:
  ModelForecaster(std::shared_ptr<ForecastModels> models, bool untrained)
      : models_(std::move(models)), untrained_(untrained) {}
  std::string name() const override { return untrained_ ? "netflowgen untrained" : "netflowgen"; }
  bool gives_quantiles() const override { return true; }
  void fit(const eval::ForecastTask& task, uint64_t) override { task_ = task; }
  eval::Forecast predict(const series::FrameTable& table, std::span<const eval::Origin> origins) override {
    const auto& said = models_->at(table, origins, untrained_).forecast;
    eval::Forecast out(origins.size(), task_.features.size(), task_.horizons.size());
    for (size_t i = 0; i < origins.size(); ++i) {
      for (size_t f = 0; f < task_.features.size(); ++f) {
        for (size_t h = 0; h < task_.horizons.size(); ++h) {
          const auto lead = models_->between(task_.horizons[h]);
          const size_t volume = models_->volume_of(task_.features[f]);
          eval::mix_cells(said, said.at(i, volume, lead.low), said.at(i, volume, lead.high), lead.share,
                          out.at(i, f, h), out);
        }
      }
    }
    return out;
  }

 private:
  std::shared_ptr<ForecastModels> models_;
  bool untrained_;
  eval::ForecastTask task_;
};

class ModelPredictor : public eval::NextStepPredictor {
 public:
  ModelPredictor(std::shared_ptr<ForecastModels> models, bool untrained)
      : models_(std::move(models)), untrained_(untrained) {}
  std::string name() const override { return untrained_ ? "netflowgen untrained" : "netflowgen"; }
  void fit(const eval::ForecastTask&, const eval::Bins&, uint64_t) override {}
  eval::NextStep predict(const series::FrameTable& table, const eval::Bins&,
                         std::span<const eval::Origin> origins) override {
    return models_->at(table, origins, untrained_).next;
  }

 private:
  std::shared_ptr<ForecastModels> models_;
  bool untrained_;
};

}  // namespace

ForecastModels::ForecastModels(const std::vector<std::string>& folders, std::string device, int threads,
                               int64_t history_ms, const base::StopFlag& stop, base::ProgressFn progress)
    : folders_(folders),
      device_(std::move(device)),
      threads_(threads),
      history_ms_(history_ms),
      stop_(&stop),
      progress_(std::move(progress)) {
  for (const auto& folder : folders_) {
    backbones_.emplace_back(folder, device_, threads_);
    const auto& b = backbones_.back();
    if (b.spec().input.leads != first().spec().input.leads ||
        b.spec().quantiles != first().spec().quantiles || !(b.tokenizer() == first().tokenizer())) {
      throw base::Error("{} and {} differ in horizons, quantiles or tokens and cannot be averaged",
                        folders_.front(), folder);
    }
  }
  if (first().spec().quantiles.size() != eval::kQuantiles)
    throw base::Error("{} forecasts {} quantiles, the evaluation takes the nine from .1 to .9",
                      folders_.front(), first().spec().quantiles.size());
  const auto& tokenizer = first().tokenizer();
  for (size_t c = 0; c < tokenizer.levels(); ++c) {
    if (tokenizer.is_category(c)) continue;
    const auto& channel = tokenizer.channels()[c];
    bins_.features.push_back(channel.feature);
    // Tokens' bins hold their lower edge, Bins' their upper one.
    bins_.edges.emplace_back();
    for (const float e : channel.edges) bins_.edges.back().push_back(std::nextafter(e, 0.0f));
    channels_.push_back(c);
  }
}

void ForecastModels::check(const series::FrameTable& table, const std::vector<int64_t>& horizons) const {
  const auto& input = first().spec().input;
  if (table.step_ms != input.step_ms && !input.universal) {
    throw base::Error("{}: trained on steps of {} ms, the store has {} ms; make the series with --step {}ms",
                      folders_.front(), input.step_ms, table.step_ms, input.step_ms);
  }
  for (const auto h : horizons) between(h);
}

eval::BetweenLeads ForecastModels::between(int64_t horizon) const {
  const auto& leads = first().spec().input.leads;
  if (const auto at = eval::between_leads(leads, horizon, first().spec().input.universal)) return *at;
  std::string list;
  for (const int l : leads) list += (list.empty() ? "" : ", ") + std::to_string(l);
  throw base::Error(
      "{} does not forecast {} steps ahead but {}{}; choose --horizons {} them, or pretrain with others",
      folders_.front(), horizon, list, first().spec().input.universal ? " and what lies between" : "",
      first().spec().input.universal ? "within" : "among");
}

size_t ForecastModels::volume_of(int feature) const {
  const auto& e = first().encoder();
  for (size_t v = 0; v < e.volumes(); ++v) {
    if (e.volume_feature(v) == feature) return v;
  }
  throw base::Error("{} does not forecast {}", folders_.front(),
                    series::kFeatures[static_cast<size_t>(feature)].name);
}

ForecastModels::Said ForecastModels::walk(const learn::Backbone& backbone, const series::FrameTable& table,
                                          std::span<const eval::Origin> origins) const {
  std::vector<size_t> rows;
  learn::ScanOptions scan;
  scan.keep.assign(table.rows(), false);
  int64_t first_step = INT64_MAX;
  for (const auto& o : origins) {
    if (scan.nodes.empty() || scan.nodes.back() != o.node) scan.nodes.push_back(o.node);
    rows.push_back(table.lower_bound(o.node, o.step));
    scan.keep[rows.back()] = true;
    const size_t next = rows.back() + 1;  // its surprise is the origin's loss
    if (next < table.offsets[o.node + 1]) scan.keep[next] = true;
    first_step = std::min(first_step, o.step);
    scan.range.to = std::max(scan.range.to == INT64_MAX ? INT64_MIN : scan.range.to, o.step + 2);
  }
  if (history_ms_ > 0) scan.range.from = first_step - history_ms_ / table.step_ms;
  scan.direct = true;
  scan.likely = true;
  const auto cache = backbone.scan(table, scan, *stop_, progress_);
  const size_t volumes = backbone.encoder().volumes();
  const size_t leads = backbone.spec().input.leads.size();
  Said said{eval::Forecast(origins.size(), volumes, leads), {}};
  said.next.bits.assign(origins.size() * channels_.size(), kNoBits);
  said.next.likely.assign(origins.size() * channels_.size(), -1);
  for (size_t i = 0; i < origins.size(); ++i) {
    const auto at = static_cast<size_t>(cache.kept[rows[i]]);
    for (size_t l = 0; l < leads; ++l) {
      for (size_t v = 0; v < volumes; ++v) {
        const size_t cell = said.forecast.at(i, v, l);
        const auto q = said.forecast.quantiles_at(cell);
        std::copy_n(cache.direct.data() + ((at * leads + l) * volumes + v) * eval::kQuantiles,
                    eval::kQuantiles, q.begin());
        double sum = 0;
        for (const float x : q) sum += double{x};
        said.forecast.median[cell] = q[eval::kQuantiles / 2];
        said.forecast.mean[cell] = static_cast<float>(sum / eval::kQuantiles);
      }
    }
    const size_t next = rows[i] + 1;
    const bool follows = next < table.offsets[origins[i].node + 1] &&
                         table.steps[next] == origins[i].step + 1 && cache.kept[next] >= 0;
    for (size_t c = 0; c < channels_.size(); ++c) {
      said.next.likely[i * channels_.size() + c] = cache.likely[at * cache.surprise + channels_[c]] - 1;
      if (!follows) continue;
      const float* z = cache.z.data() + static_cast<size_t>(cache.kept[next]) * cache.width();
      said.next.bits[i * channels_.size() + c] = z[cache.hidden + channels_[c]] / std::log(2.0f);
    }
  }
  return said;
}

const ForecastModels::Said& ForecastModels::at(const series::FrameTable& table,
                                               std::span<const eval::Origin> origins, bool untrained) {
  auto& said = said_[untrained ? 1 : 0];
  auto& known = origins_[untrained ? 1 : 0];
  if (said != nullptr && std::ranges::equal(known, origins)) return *said;
  known.assign(origins.begin(), origins.end());
  if (untrained) {
    learn::Backbone random(folders_.front(), device_, threads_);
    random.randomise(1);
    said = std::make_unique<Said>(walk(random, table, origins));
    return *said;
  }
  said = std::make_unique<Said>(walk(first(), table, origins));
  const auto n = static_cast<float>(backbones_.size());
  for (size_t b = 1; b < backbones_.size(); ++b) {  // quantiles averaged, bits as a mixture
    const Said other = walk(backbones_[b], table, origins);
    const auto add = [](std::vector<float>& to, const std::vector<float>& from) {
      for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    add(said->forecast.quantiles, other.forecast.quantiles);
    add(said->forecast.mean, other.forecast.mean);
    add(said->forecast.median, other.forecast.median);
    for (size_t i = 0; i < said->next.bits.size(); ++i) {
      float& bits = said->next.bits[i];
      const float k = static_cast<float>(b);
      bits = -std::log2((k * std::exp2(-bits) + std::exp2(-other.next.bits[i])) / (k + 1));
    }
  }
  for (auto* values : {&said->forecast.quantiles, &said->forecast.mean, &said->forecast.median}) {
    for (float& v : *values) v /= n;
  }
  return *said;
}

void add_model_methods(const std::shared_ptr<ForecastModels>& models, bool untrained,
                       std::vector<std::unique_ptr<eval::Forecaster>>& forecasters,
                       std::vector<std::unique_ptr<eval::NextStepPredictor>>& predictors) {
  forecasters.push_back(std::make_unique<ModelForecaster>(models, false));
  predictors.push_back(std::make_unique<ModelPredictor>(models, false));
  if (!untrained) return;
  forecasters.push_back(std::make_unique<ModelForecaster>(models, true));
  predictors.push_back(std::make_unique<ModelPredictor>(models, true));
}

}  // namespace netflowgen::study
