#include "study/forecast_lags.h"

#include <algorithm>
#include <cmath>

#include "base/nan.h"

namespace netflowgen::study {
namespace {

using base::kNaN;
constexpr float kBend = 3;
constexpr float kFloor = 0.02f;
constexpr int64_t kLags[] = {0, 1, 2, 3, 4, 5, 6, 8, 11, 23, 35, 47};
constexpr int64_t kWindows[] = {3, 6, 12, 48};
constexpr int64_t kSeasons[] = {1, 2, 3, 7};  // seasons before the target
constexpr int64_t kAround = 6;                // steps either side of it, averaged
constexpr size_t kFixed = 9;                  // other series, levels, calendar, which feature

}  // namespace

LaggedSeries::LaggedSeries(const eval::FrameTable& table, size_t node, int feature, float unit)
    : first_(table.first_step),
      x_(static_cast<size_t>(table.end_step - table.first_step),
         table.missing[static_cast<size_t>(feature)] ? kNaN : 0.0f) {
  for (size_t row = table.offsets[node]; row < table.offsets[node + 1]; ++row) {
    const float v = table.frame(row)[static_cast<size_t>(feature)];
    x_[static_cast<size_t>(table.steps[row] - first_)] =
        std::isnan(v) ? v : std::log1p(std::max(v, 0.0f) / unit);
  }
  // Before its first row a node was not there.
  const size_t begin = table.offsets[node] < table.offsets[node + 1]
                           ? static_cast<size_t>(table.steps[table.offsets[node]] - first_)
                           : x_.size();
  std::fill_n(x_.begin(), begin, kNaN);
  sum_.assign(x_.size() + 1, 0);
  square_ = sum_;
  known_.assign(x_.size() + 1, 0);
  zero_ = known_;
  for (size_t i = 0; i < x_.size(); ++i) {
    const bool known = !std::isnan(x_[i]);
    sum_[i + 1] = sum_[i] + (known ? double{x_[i]} : 0);
    square_[i + 1] = square_[i] + (known ? double{x_[i]} * x_[i] : 0);
    known_[i + 1] = known_[i] + (known ? 1 : 0);
    zero_[i + 1] = zero_[i] + (x_[i] == 0 ? 1 : 0);
  }
}

float LaggedSeries::at(int64_t step) const {
  const int64_t i = step - first_;
  return i < 0 || i >= static_cast<int64_t>(x_.size()) ? kNaN : x_[static_cast<size_t>(i)];
}

LaggedSeries::Moments LaggedSeries::moments(int64_t last, int64_t count) const {
  const auto size = static_cast<int64_t>(x_.size());
  const auto to = static_cast<size_t>(std::clamp<int64_t>(last + 1 - first_, 0, size));
  const auto from = static_cast<size_t>(std::clamp<int64_t>(last + 1 - count - first_, 0, size));
  const auto n = static_cast<double>(to > from ? known_[to] - known_[from] : 0);
  if (n == 0) return {kNaN, kNaN, kNaN};
  const double mean = (sum_[to] - sum_[from]) / n;
  const double variance = std::max(0.0, (square_[to] - square_[from]) / n - mean * mean);
  return {static_cast<float>(mean), static_cast<float>(std::sqrt(variance)),
          static_cast<float>(static_cast<double>(zero_[to] - zero_[from]) / n)};
}

float OwnUnits::standard(float x) const { return kBend * std::asinh((x - mean) / deviation / kBend); }

float OwnUnits::value(float z) const {
  const float x = mean + deviation * kBend * std::sinh(std::clamp(z / kBend, -9.0f, 9.0f));
  return std::max(0.0f, std::expm1(std::min(x, 60.0f)) * unit);
}

OwnUnits own_units(const LaggedSeries& series, int64_t step, int64_t season_steps, float unit) {
  const auto m = series.moments(step, season_steps);
  if (std::isnan(m.mean)) return {0, 1, unit};
  return {m.mean, m.deviation + kFloor, unit};
}

size_t ForecastLags::columns() const {
  return std::size(kLags) + 3 * std::size(kWindows) + 2 * std::size(kSeasons) + kFixed;
}

void ForecastLags::fill(const LaggedSeries& own, const LaggedSeries* other, const OwnUnits& units,
                        const OwnUnits& other_units, int64_t step, int64_t horizon, size_t feature,
                        float* out) const {
  for (const int64_t lag : kLags) *out++ = units.standard(own.at(step - lag));
  for (const int64_t window : kWindows) {
    const auto m = own.moments(step, window);
    *out++ = units.standard(m.mean);
    *out++ = (m.deviation + kFloor) / units.deviation;
    *out++ = m.zeros;
  }
  for (const int64_t k : kSeasons) {
    const int64_t at = step + horizon - k * season_;
    *out++ = at <= step ? units.standard(own.at(at)) : kNaN;
    const int64_t last = std::min(at + kAround, step);
    *out++ = at <= step ? units.standard(own.moments(last, last - at + kAround + 1).mean) : kNaN;
  }
  *out++ = units.mean;
  *out++ = std::log(units.deviation);
  *out++ = units.standard(own.moments(step, 7 * season_).mean);
  *out++ = own.moments(step, season_).zeros;
  *out++ = other == nullptr ? kNaN : other_units.standard(other->at(step));
  *out++ = other == nullptr ? kNaN : other_units.standard(other->moments(step, 12).mean);
  const int64_t minute = base::step_of(zone_.local((step + horizon) * step_ms_), 60'000);
  *out++ = static_cast<float>(((minute % 1440) + 1440) % 1440);
  *out++ = static_cast<float>((((base::step_of(minute, 1440) + 3) % 7) + 7) % 7);  // Monday is 0
  *out++ = static_cast<float>(feature);
}

float smallest_usual(const eval::ForecastTask& task, int feature) {
  const eval::FrameTable& t = *task.table;
  std::vector<float> values;
  for (const size_t node : task.nodes) {
    for (size_t row = t.offsets[node]; row < t.offsets[node + 1]; row += 7) {  // a seventh is plenty
      if (!task.train.contains(t.steps[row] * t.step_ms)) continue;
      const float v = t.frame(row)[static_cast<size_t>(feature)];
      if (v > 0) values.push_back(v);
    }
  }
  if (values.empty()) return 1;
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 100);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace netflowgen::study
