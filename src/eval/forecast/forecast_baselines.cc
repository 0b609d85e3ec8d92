#include "eval/forecast/forecast_baselines.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/nan.h"
#include "eval/forecast/forecast_protocol.h"

namespace netflowgen::eval {
namespace {

using base::kNaN;

class Persistence : public Forecaster {
 public:
  std::string name() const override { return "persistence"; }
  void fit(const ForecastTask& task, uint64_t) override { task_ = task; }
  Forecast predict(const FrameTable& table, std::span<const Origin> origins) override {
    Forecast out(origins.size(), task_.features.size(), task_.horizons.size());
    for (size_t i = 0; i < origins.size(); ++i) {
      for (size_t f = 0; f < task_.features.size(); ++f) {
        const float v = value_at(table, origins[i].node, origins[i].step, task_.features[f]);
        for (size_t h = 0; h < task_.horizons.size(); ++h)
          out.set_point(out.at(i, f, h), std::isnan(v) ? 0.0f : v);
      }
    }
    return out;
  }

 private:
  ForecastTask task_;
};

class SeasonalNaive : public Forecaster {
 public:
  std::string name() const override { return "seasonal naive"; }
  void fit(const ForecastTask& task, uint64_t) override { task_ = task; }
  Forecast predict(const FrameTable& table, std::span<const Origin> origins) override {
    Forecast out(origins.size(), task_.features.size(), task_.horizons.size());
    for (size_t i = 0; i < origins.size(); ++i) {
      for (size_t f = 0; f < task_.features.size(); ++f) {
        for (size_t h = 0; h < task_.horizons.size(); ++h) {
          const int64_t known = origins[i].step;
          const float v = seasonal_naive(table, origins[i].node, task_.features[f], known + task_.horizons[h],
                                         known, task_.season_steps);
          out.set_point(out.at(i, f, h), std::isnan(v) ? 0.0f : v);
        }
      }
    }
    return out;
  }

 private:
  ForecastTask task_;
};

struct Weights {
  float level = 0.3f;
  float season = 0;  // 0: no season
};

// A level and, where asked, an additive season of log1p, walked over every step of a series; idle steps are zeros.
class Smoother {
 public:
  Smoother(const FrameTable& table, size_t node, int feature, Weights w, int64_t season_steps)
      : table_(table),
        feature_(static_cast<size_t>(feature)),
        w_(w),
        row_(table.offsets[node]),
        end_(table.offsets[node + 1]),
        step_(row_ < end_ ? table.steps[row_] : table.end_step),
        season_(w.season > 0 ? static_cast<size_t>(season_steps) : 1, 0.0f) {}

  // Takes in everything up to and including `step`.
  void advance(int64_t step) {
    for (; step_ <= step; ++step_) {
      float v = table_.missing[feature_] ? kNaN : 0.0f;
      if (row_ < end_ && table_.steps[row_] == step_) v = table_.frame(row_++)[feature_];
      if (!std::isnan(v)) add(std::log1p(std::max(v, 0.0f)));
    }
  }
  float forecast(int64_t step) const { return std::max(0.0f, std::expm1(level_ + season_at(step))); }

 private:
  size_t slot(int64_t step) const { return static_cast<size_t>(step % static_cast<int64_t>(season_.size())); }
  float season_at(int64_t step) const { return season_[slot(step)]; }
  void add(float x) {
    ++seen_;
    if (w_.season > 0 && seen_ <= season_.size()) {
      begin_season(x);
      return;
    }
    const float rate = std::max(w_.level, 1 / static_cast<float>(seen_));
    float& s = season_[slot(step_)];
    const float before = level_;
    level_ += rate * (x - s - level_);
    if (w_.season > 0) s += w_.season * (x - before - s);
  }
  // The first season is kept as it is; its mean is then the level. Until then the last value is the forecast.
  void begin_season(float x) {
    first_.emplace_back(slot(step_), x);
    level_ = x;
    if (first_.size() < season_.size()) return;
    double sum = 0;
    for (const auto& [i, v] : first_) sum += double{v};
    level_ = static_cast<float>(sum / static_cast<double>(first_.size()));
    for (const auto& [i, v] : first_) season_[i] = v - level_;
  }

  const FrameTable& table_;
  size_t feature_;
  Weights w_;
  size_t row_;
  size_t end_;
  int64_t step_;
  float level_ = 0;
  std::vector<float> season_;
  uint64_t seen_ = 0;
  std::vector<std::pair<size_t, float>> first_;  // slot, value
};

class Smoothing : public Forecaster {
 public:
  Smoothing(std::string name, std::vector<Weights> grid) : name_(std::move(name)), grid_(std::move(grid)) {}
  std::string name() const override { return name_; }

  // The weights with the least mean over series of log(error / seasonal naive's error) on the validation period.
  void fit(const ForecastTask& task, uint64_t) override {
    task_ = task;
    const auto steps = origin_steps(task.validation, task.table->step_ms, 3'600'000);
    std::vector<Origin> origins;
    for (const size_t node : task.nodes) {
      for (const int64_t s : steps) origins.push_back({node, s});
    }
    double best = std::numeric_limits<double>::infinity();
    kept_ = grid_.front();  // where seasonal naive never errs there is nothing to choose by
    for (const Weights& w : grid_) {
      chosen_ = w;
      const double e = error(*task.table, origins);
      if (!(e < best)) continue;
      best = e;
      kept_ = w;
    }
    chosen_ = kept_;
  }

  Forecast predict(const FrameTable& table, std::span<const Origin> origins) override {
    Forecast out(origins.size(), task_.features.size(), task_.horizons.size());
    for (size_t first = 0; first < origins.size();) {
      size_t last = first;
      while (last < origins.size() && origins[last].node == origins[first].node) ++last;
      for (size_t f = 0; f < task_.features.size(); ++f) {
        Smoother s(table, origins[first].node, task_.features[f], chosen_, task_.season_steps);
        for (size_t i = first; i < last; ++i) {
          s.advance(origins[i].step);
          for (size_t h = 0; h < task_.horizons.size(); ++h)
            out.set_point(out.at(i, f, h), s.forecast(origins[i].step + task_.horizons[h]));
        }
      }
      first = last;
    }
    return out;
  }

 private:
  double error(const FrameTable& table, const std::vector<Origin>& origins) {
    const Forecast guess = predict(table, origins);
    double sum = 0;
    size_t series = 0;
    for (size_t first = 0; first < origins.size();) {
      size_t last = first;
      while (last < origins.size() && origins[last].node == origins[first].node) ++last;
      for (size_t f = 0; f < task_.features.size(); ++f) {
        double own = 0;
        double naive = 0;
        for (size_t i = first; i < last; ++i) {
          for (size_t h = 0; h < task_.horizons.size(); ++h) {
            const int64_t known = origins[i].step;
            const int64_t target = known + task_.horizons[h];
            if (target * table.step_ms >= task_.validation.to_ms) continue;
            const float truth = value_at(table, origins[i].node, target, task_.features[f]);
            const float n =
                seasonal_naive(table, origins[i].node, task_.features[f], target, known, task_.season_steps);
            if (std::isnan(truth) || std::isnan(n)) continue;
            own += std::fabs(double{truth} - guess.median[guess.at(i, f, h)]);
            naive += std::fabs(double{truth} - n);
          }
        }
        if (naive > 0) {
          sum += std::log(std::max(own / naive, 1e-3));
          ++series;
        }
      }
      first = last;
    }
    return series == 0 ? std::numeric_limits<double>::infinity() : sum / static_cast<double>(series);
  }

  std::string name_;
  std::vector<Weights> grid_;
  Weights chosen_;
  Weights kept_;
  ForecastTask task_;
};

// Counts of bins over training rows, [feature][bin], with one added to each so that nothing is impossible.
std::vector<std::vector<double>> marginals(const ForecastTask& task, const Bins& bins,
                                           std::vector<double>* stays) {
  std::vector<std::vector<double>> p(bins.features.size());
  for (size_t f = 0; f < p.size(); ++f) p[f].assign(bins.count(f), 1.0);
  std::vector<double> same(p.size(), 1.0);
  std::vector<double> all(p.size(), 2.0);
  const FrameTable& t = *task.table;
  for (const size_t node : task.nodes) {
    for (size_t row = t.offsets[node]; row < t.offsets[node + 1]; ++row) {
      if (!task.train.contains(t.steps[row] * t.step_ms)) continue;
      for (size_t f = 0; f < p.size(); ++f) {
        const float v = t.frame(row)[static_cast<size_t>(bins.features[f])];
        if (std::isnan(v)) continue;
        p[f][bins.bin(f, v)] += 1;
        if (stays == nullptr) continue;
        const float before = value_at(t, node, t.steps[row] - 1, bins.features[f]);
        if (std::isnan(before)) continue;
        same[f] += bins.bin(f, v) == bins.bin(f, before) ? 1 : 0;
        all[f] += 1;
      }
    }
  }
  for (auto& q : p) {
    double sum = 0;
    for (const double x : q) sum += x;
    for (double& x : q) x /= sum;
  }
  if (stays != nullptr) {
    for (size_t f = 0; f < same.size(); ++f) stays->push_back(same[f] / all[f]);
  }
  return p;
}

class Marginal : public NextStepPredictor {
 public:
  explicit Marginal(bool persistent) : persistent_(persistent) {}
  std::string name() const override { return persistent_ ? "persistence" : "majority bin"; }
  void fit(const ForecastTask& task, const Bins& bins, uint64_t) override {
    stays_.clear();
    p_ = marginals(task, bins, persistent_ ? &stays_ : nullptr);
  }
  NextStep predict(const FrameTable& table, const Bins& bins, std::span<const Origin> origins) override {
    const size_t width = bins.features.size();
    NextStep out;
    out.bits.assign(origins.size() * width, kNaN);
    out.likely.assign(origins.size() * width, -1);
    for (size_t i = 0; i < origins.size(); ++i) {
      for (size_t f = 0; f < width; ++f) {
        const size_t cell = i * width + f;
        const float now = value_at(table, origins[i].node, origins[i].step, bins.features[f]);
        const float next = value_at(table, origins[i].node, origins[i].step + 1, bins.features[f]);
        const bool stays = persistent_ && !std::isnan(now);
        const auto top = std::max_element(p_[f].begin(), p_[f].end()) - p_[f].begin();
        out.likely[cell] = static_cast<int32_t>(stays ? static_cast<std::ptrdiff_t>(bins.bin(f, now)) : top);
        if (std::isnan(next)) continue;
        const size_t bin = bins.bin(f, next);
        double q = p_[f][bin];
        if (stays) q = (1 - stays_[f]) * q + (bin == bins.bin(f, now) ? stays_[f] : 0);
        out.bits[cell] = static_cast<float>(-std::log2(q));
      }
    }
    return out;
  }

 private:
  bool persistent_;
  std::vector<std::vector<double>> p_;
  std::vector<double> stays_;
};

}  // namespace

std::unique_ptr<Forecaster> persistence_forecaster() { return std::make_unique<Persistence>(); }
std::unique_ptr<Forecaster> seasonal_naive_forecaster() { return std::make_unique<SeasonalNaive>(); }
std::unique_ptr<Forecaster> ewma_forecaster() {
  return std::make_unique<Smoothing>("EWMA",
                                     std::vector<Weights>{{0.05f, 0}, {0.15f, 0}, {0.3f, 0}, {0.6f, 0}});
}
std::unique_ptr<Forecaster> holt_winters_forecaster() {
  return std::make_unique<Smoothing>(
      "Holt-Winters", std::vector<Weights>{{0.05f, 0.1f}, {0.15f, 0.1f}, {0.3f, 0.1f}, {0.6f, 0.1f}});
}
std::unique_ptr<NextStepPredictor> persistence_predictor() { return std::make_unique<Marginal>(true); }
std::unique_ptr<NextStepPredictor> majority_predictor() { return std::make_unique<Marginal>(false); }

std::vector<std::unique_ptr<Forecaster>> baseline_forecasters() {
  std::vector<std::unique_ptr<Forecaster>> all;
  all.push_back(seasonal_naive_forecaster());
  all.push_back(persistence_forecaster());
  all.push_back(ewma_forecaster());
  all.push_back(holt_winters_forecaster());
  return all;
}

std::vector<std::unique_ptr<NextStepPredictor>> baseline_predictors() {
  std::vector<std::unique_ptr<NextStepPredictor>> all;
  all.push_back(majority_predictor());
  all.push_back(persistence_predictor());
  return all;
}

}  // namespace netflowgen::eval
