#include "eval/forecast/forecast_protocol.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/nan.h"
#include "eval/attacks/baselines.h"

namespace netflowgen::eval {
namespace {

using base::kNaN;

void check(const FrameTable& table, const ForecastOptions& o) {
  const base::TimeMs from = table.first_step * table.step_ms;
  const base::TimeMs to = table.end_step * table.step_ms;
  const auto inside = [&](Period p, const char* name) {
    if (p.empty()) throw base::Error("the {} period is empty", name);
    if (p.from_ms < to && p.to_ms > from) return;
    throw base::Error("the {} period {} to {} lies outside the store, which covers {} to {}", name,
                      base::format_time(p.from_ms), base::format_time(p.to_ms), base::format_time(from),
                      base::format_time(to));
  };
  inside(o.train, "training");
  inside(o.validation, "validation");
  inside(o.test, "test");
  if (o.test.from_ms < o.train.to_ms)
    throw base::UsageError("the test period must not begin before the training period ends");
  if (o.horizons.empty()) throw base::UsageError("no horizon to forecast");
  if (o.features.empty())
    throw base::Error("the store gives no volume to forecast; name others with --feature");
  for (const int f : o.features) {
    if (table.missing[static_cast<size_t>(f)])
      throw base::Error("the store never gives {}", series::kFeatures[static_cast<size_t>(f)].name);
  }
}

// Mean absolute error of seasonal naive one step ahead over the training period.
double naive_scale(const ForecastData& d, size_t node, int feature, int64_t season) {
  const FrameTable& t = *d.table;
  const int64_t from = base::step_of(d.options.train.from_ms, t.step_ms);
  const int64_t to = std::min(base::step_of(d.options.train.to_ms - 1, t.step_ms) + 1, t.end_step);
  double sum = 0;
  size_t count = 0;
  for (size_t row = t.lower_bound(node, from); row < t.offsets[node + 1] && t.steps[row] < to; ++row) {
    const float truth = t.frame(row)[static_cast<size_t>(feature)];
    const float guess = seasonal_naive(t, node, feature, t.steps[row], t.steps[row] - 1, season);
    if (std::isnan(truth) || std::isnan(guess)) continue;
    sum += std::fabs(double{truth} - guess);
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

// Zeros and the mean of the test period's known values.
void look_at(const FrameTable& t, size_t node, int feature, Period test, double& zeros, double& mean) {
  const int64_t from = std::max(base::step_of(test.from_ms, t.step_ms), t.first_step);
  const int64_t to = std::min(base::step_of(test.to_ms - 1, t.step_ms) + 1, t.end_step);
  size_t zero = static_cast<size_t>(to - from);  // idle steps are zeros
  size_t known = zero;
  double sum = 0;
  for (size_t row = t.lower_bound(node, from); row < t.offsets[node + 1] && t.steps[row] < to; ++row) {
    const float v = t.frame(row)[static_cast<size_t>(feature)];
    if (std::isnan(v)) --known;
    if (v != 0) --zero;
    if (v > 0) sum += double{v};
  }
  zeros = known == 0 ? 1 : static_cast<double>(zero) / static_cast<double>(known);
  mean = known == 0 ? 0 : sum / static_cast<double>(known);
}

SeriesGroup group_of(const ForecastSeries& s, double mean, const ForecastOptions& o) {
  if (s.cells[0] < o.least_cells) return SeriesGroup::kShort;
  for (const double e : s.naive) {
    if (!(e > o.least_change * mean) || e <= 0) return SeriesGroup::kConstant;
  }
  return s.zeros > o.most_zeros ? SeriesGroup::kMostlyZero : SeriesGroup::kActive;
}

}  // namespace

std::string_view name_of(SeriesGroup group) {
  constexpr std::string_view kNames[] = {"active", "mostly zero", "near-constant", "too short"};
  return kNames[static_cast<size_t>(group)];
}

float seasonal_naive(const FrameTable& table, size_t node, int feature, int64_t target, int64_t known,
                     int64_t season_steps) {
  const int64_t ahead = target - known;
  const int64_t seasons = (ahead + season_steps - 1) / season_steps;
  const int64_t step = target - seasons * season_steps;
  return step < table.first_step ? kNaN : value_at(table, node, step, feature);
}

std::vector<int64_t> origin_steps(Period period, int64_t step_ms, int64_t every_ms) {
  const int64_t every = std::max<int64_t>(1, every_ms / step_ms);
  // A stride with no factor in common with `every` visits all its steps.
  int64_t stride = every * 5 / 12;
  while (stride > 1 && std::gcd(stride, every) != 1) --stride;
  const int64_t from = base::step_of(period.from_ms + step_ms - 1, step_ms);
  const int64_t to = base::step_of(period.to_ms - 1, step_ms) + 1;
  std::vector<int64_t> steps;
  for (int64_t k = 0; from + k * every < to; ++k) {
    const int64_t step = from + k * every + k * stride % every;
    if (step < to) steps.push_back(step);
  }
  return steps;
}

ForecastTask ForecastData::task() const {
  ForecastTask t;
  t.table = table;
  t.train = options.train;
  t.validation = options.validation;
  for (size_t n = 0; n < unseen.size(); ++n) {
    if (!unseen[n]) t.nodes.push_back(n);
  }
  t.features = options.features;
  t.horizons = options.horizons;
  t.season_steps = std::max<int64_t>(1, options.season_ms / table->step_ms);
  return t;
}

ForecastData prepare_forecast(const FrameTable& table, const std::vector<bool>& unseen,
                              const ForecastOptions& options) {
  ForecastData d;
  d.table = &table;
  d.options = options;
  auto& o = d.options;
  if (o.features.empty()) o.features = volume_features(table, false);
  check(table, o);
  d.unseen = unseen.empty() ? std::vector<bool>(table.nodes.size(), false) : unseen;
  const int64_t season = std::max<int64_t>(1, o.season_ms / table.step_ms);
  const int64_t end = std::min(base::step_of(o.test.to_ms - 1, table.step_ms) + 1, table.end_step);
  const auto steps = origin_steps(o.test, table.step_ms, o.every_ms);
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    const size_t first = d.origins.size();
    for (const int64_t step : steps) {
      const size_t row = table.lower_bound(node, step);
      if (row < table.offsets[node + 1] && table.steps[row] == step) d.origins.push_back({node, step});
    }
    for (size_t f = 0; f < o.features.size(); ++f) {
      ForecastSeries s;
      s.node = node;
      s.feature = f;
      s.unseen = d.unseen[node];
      s.naive.assign(o.horizons.size(), 0);
      s.cells.assign(o.horizons.size(), 0);
      d.series.push_back(s);
    }
    for (size_t i = first; i < d.origins.size(); ++i) {
      for (size_t f = 0; f < o.features.size(); ++f) {
        ForecastSeries& s = d.series[node * o.features.size() + f];
        for (size_t h = 0; h < o.horizons.size(); ++h) {
          const int64_t known = d.origins[i].step;
          const int64_t target = known + o.horizons[h];
          float truth = target < end ? value_at(table, node, target, o.features[f]) : kNaN;
          const float naive = seasonal_naive(table, node, o.features[f], target, known, season);
          if (std::isnan(naive)) truth = kNaN;
          d.truth.push_back(truth);
          d.naive.push_back(naive);
          if (std::isnan(truth)) continue;
          s.naive[h] += std::fabs(double{truth} - naive);
          ++s.cells[h];
        }
      }
    }
  }
  if (d.origins.empty()) {
    throw base::Error("no node has a frame at any of the test period's {} origins: nothing to forecast",
                      steps.size());
  }
  for (auto& s : d.series) {
    double mean = 0;
    look_at(table, s.node, o.features[s.feature], o.test, s.zeros, mean);
    for (size_t h = 0; h < s.naive.size(); ++h)
      s.naive[h] /= static_cast<double>(std::max<size_t>(1, s.cells[h]));
    s.group = group_of(s, mean, o);
    if (s.group != SeriesGroup::kShort) s.scale = naive_scale(d, s.node, o.features[s.feature], season);
  }
  return d;
}

}  // namespace netflowgen::eval
