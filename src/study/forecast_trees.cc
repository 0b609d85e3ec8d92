#include "study/forecast_trees.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"
#include "booster/booster.h"
#include "study/forecast_lags.h"

namespace netflowgen::study {
namespace {

// Levels that trees are fitted for; those between are interpolated.
constexpr size_t kFitted[] = {0, 2, 4, 6, 8};  // of eval::kQuantileLevels: .1 .3 .5 .7 .9

class Trees : public eval::Forecaster {
 public:
  explicit Trees(const TreeOptions& options) : options_(options) {}
  std::string name() const override { return "trees"; }
  bool gives_quantiles() const override { return true; }

  void fit(const eval::ForecastTask& task, uint64_t seed) override {
    task_ = task;
    units_.clear();
    for (const int f : task.features) units_.push_back(smallest_usual(task, f));
    const auto examples = draw(seed);
    if (examples.empty()) throw base::Error("trees: no training step has a known future");
    boosters_.clear();
    spread_.clear();
    for (size_t h = 0; h < task.horizons.size(); ++h) {
      Matrix m = matrix(*task.table, examples, task.horizons[h], true);
      if (m.y.empty()) {
        throw base::Error(
            "trees: no training step has a known future {} steps later; choose shorter --horizons or a "
            "longer "
            "--train",
            task.horizons[h]);
      }
      boosters_.push_back(train(m, 0.5, seed));
      spread_.push_back(to_residuals(m, boosters_.back()));
      for (const size_t q : kFitted) {
        if (eval::kQuantileLevels[q] != 0.5) boosters_.push_back(train(m, eval::kQuantileLevels[q], seed));
      }
    }
  }

  eval::Forecast predict(const eval::FrameTable& table, std::span<const eval::Origin> origins) override {
    const size_t features = task_.features.size();
    eval::Forecast out(origins.size(), features, task_.horizons.size());
    constexpr size_t kBlock = 20'000;  // origins at a time
    for (size_t from = 0; from < origins.size(); from += kBlock) {
      const size_t n = std::min(kBlock, origins.size() - from);
      std::vector<Example> examples;
      for (size_t i = 0; i < n; ++i) {
        for (size_t f = 0; f < features; ++f) examples.push_back({origins[from + i], f});
      }
      for (size_t h = 0; h < task_.horizons.size(); ++h) {
        const Matrix m = matrix(table, examples, task_.horizons[h], false);
        std::vector<std::vector<float>> z;  // the median, then the others
        for (size_t k = 0; k < std::size(kFitted); ++k) {
          z.push_back(boosters_[h * std::size(kFitted) + k].predict(m.view()));
          for (size_t i = 0; k > 0 && i < z[k].size(); ++i) z[k][i] = z[0][i] + spread_[h] * z[k][i];
        }
        for (size_t i = 0; i < examples.size(); ++i)
          write(out, out.at(from + i / features, i % features, h), m.units[i], z, i);
      }
    }
    return out;
  }

 private:
  struct Example {
    eval::Origin origin;
    size_t feature;
  };
  struct Matrix {
    size_t columns = 0;
    std::vector<float> x, y;  // y: z of the truth
    std::vector<OwnUnits> units;
    booster::MatrixView view() const { return {x.data(), columns == 0 ? 0 : x.size() / columns, columns}; }
  };

  // Rows drawn evenly over nodes that carry anything, so that every series counts.
  std::vector<Example> draw(uint64_t seed) const {
    const eval::FrameTable& t = *task_.table;
    base::Random random(seed);
    std::vector<std::pair<size_t, size_t>> candidates;  // node, feature
    for (const size_t node : task_.nodes) {
      for (size_t f = 0; f < task_.features.size(); ++f) {
        for (size_t row = t.offsets[node]; row < t.offsets[node + 1]; row += 11) {
          if (task_.train.contains(t.steps[row] * t.step_ms) &&
              t.frame(row)[static_cast<size_t>(task_.features[f])] > 0) {
            candidates.emplace_back(node, f);
            break;
          }
        }
      }
    }
    std::vector<Example> examples;
    if (candidates.empty()) return examples;
    const int64_t from = base::step_of(task_.train.from_ms + t.step_ms - 1, t.step_ms);
    const int64_t to = base::step_of(task_.train.to_ms - 1, t.step_ms) + 1;
    for (size_t i = 0; i < options_.rows; ++i) {
      const auto& [node, f] = candidates[i % candidates.size()];
      const size_t low = t.lower_bound(node, from);
      const size_t high = t.lower_bound(node, to);
      if (low >= high) continue;
      const size_t row = low + random.below(high - low);
      examples.push_back({{node, t.steps[row]}, f});
    }
    std::stable_sort(examples.begin(), examples.end(), [](const Example& a, const Example& b) {
      return a.origin.node != b.origin.node ? a.origin.node < b.origin.node : a.origin.step < b.origin.step;
    });
    return examples;
  }

  // With `training`, rows without a known truth inside the training period are left out.
  Matrix matrix(const eval::FrameTable& table, const std::vector<Example>& examples, int64_t horizon,
                bool training) const {
    const ForecastLags lags(table.step_ms, task_.season_steps, base::TimeZone::load(table.timezone));
    Matrix m;
    m.columns = lags.columns();
    size_t node = SIZE_MAX;
    std::vector<LaggedSeries> series;
    for (const auto& e : examples) {
      if (e.origin.node != node) {
        node = e.origin.node;
        series.clear();
        for (size_t f = 0; f < task_.features.size(); ++f)
          series.emplace_back(table, node, task_.features[f], units_[f]);
      }
      const int64_t step = e.origin.step;
      const LaggedSeries& own = series[e.feature];
      const OwnUnits units = own_units(own, step, task_.season_steps, units_[e.feature]);
      if (training) {
        const int64_t target = step + horizon;
        const float truth = own.at(target);
        if (std::isnan(truth) || target * table.step_ms >= task_.train.to_ms) continue;
        m.y.push_back(units.standard(truth));
      }
      const size_t o = other_of(e.feature);
      const LaggedSeries* other = o == SIZE_MAX ? nullptr : &series[o];
      const OwnUnits other_units =
          other == nullptr ? OwnUnits{} : own_units(*other, step, task_.season_steps, units_[o]);
      m.x.resize(m.x.size() + m.columns);
      lags.fill(own, other, units, other_units, step, horizon, e.feature,
                m.x.data() + m.x.size() - m.columns);
      m.units.push_back(units);
    }
    return m;
  }

  // Replaces y by what the median leaves of it, in units of its mean size, which is returned: extreme quantiles then begin
  // near their place.
  static float to_residuals(Matrix& m, const booster::Booster& median) {
    const auto guess = median.predict(m.view());
    double sum = 0;
    for (size_t i = 0; i < m.y.size(); ++i) {
      m.y[i] -= guess[i];
      sum += std::fabs(double{m.y[i]});
    }
    const auto spread = static_cast<float>(std::max(sum / static_cast<double>(m.y.size()), 1e-6));
    for (float& y : m.y) y /= spread;
    return spread;
  }

  // The feature of the other direction, or the next one.
  size_t other_of(size_t feature) const {
    const int own = task_.features[feature];
    const int opposite = own < series::kOutOffset ? own + series::kOutOffset : own - series::kOutOffset;
    for (size_t f = 0; f < task_.features.size(); ++f) {
      if (task_.features[f] == opposite) return f;
    }
    return task_.features.size() < 2 ? SIZE_MAX : (feature + 1) % task_.features.size();
  }

  booster::Booster train(const Matrix& m, double level, uint64_t seed) const {
    booster::BoosterOptions o;
    o.rounds = options_.rounds;
    o.quantile = level;
    o.stop = options_.stop;
    o.parameters = {{"max_depth", std::to_string(options_.depth)},
                    {"eta", std::to_string(options_.rate)},
                    {"subsample", "0.7"},
                    {"colsample_bytree", "0.7"},
                    {"min_child_weight", "30"},
                    {"lambda", "1"}};
    if (options_.threads > 0) o.parameters.emplace_back("nthread", std::to_string(options_.threads));
    return {m.view(), m.y, {}, o, seed};
  }

  static void write(eval::Forecast& out, size_t cell, const OwnUnits& units,
                    const std::vector<std::vector<float>>& z, size_t row) {
    float fitted[std::size(kFitted)];
    for (size_t k = 0; k < std::size(kFitted); ++k) fitted[k] = z[k][row];
    std::sort(std::begin(fitted), std::end(fitted));
    const auto q = out.quantiles_at(cell);
    double sum = 0;
    for (size_t l = 0; l < eval::kQuantiles; ++l) {
      const float between = l % 2 == 0 ? fitted[l / 2] : (fitted[l / 2] + fitted[l / 2 + 1]) / 2;
      q[l] = units.value(between);
      sum += double{q[l]};
    }
    out.median[cell] = q[eval::kQuantiles / 2];
    out.mean[cell] = static_cast<float>(sum / eval::kQuantiles);
  }

  TreeOptions options_;
  eval::ForecastTask task_;
  std::vector<float> units_;                // [feature]
  std::vector<booster::Booster> boosters_;  // [horizon, median then the other fitted levels]
  std::vector<float> spread_;               // [horizon] of the median's residuals
};

}  // namespace

std::unique_ptr<eval::Forecaster> tree_forecaster(const TreeOptions& options) {
  return std::make_unique<Trees>(options);
}

}  // namespace netflowgen::study
