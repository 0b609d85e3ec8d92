#include "study/lagged.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/time_zone.h"

namespace netflowgen::study {
namespace {

bool is_log(series::Kind kind) {
  return kind == series::Kind::kVolume || kind == series::Kind::kCount || kind == series::Kind::kQuantity;
}

bool is_followed(series::Kind kind) { return kind == series::Kind::kVolume || kind == series::Kind::kCount; }

float shown(float v, series::Kind kind) { return is_log(kind) ? std::log1p(std::max(0.0f, v)) : v; }

// Fills the columns of one feature of one node.
class Filler {
 public:
  Filler(const eval::FrameTable& table, const LaggedOptions& options, LaggedMatrix& matrix)
      : table_(table), options_(options), matrix_(matrix) {}

  // Columns [column, ...) of feature f for the node's rows.
  void followed(size_t node, size_t f, size_t column) {
    const size_t begin = table_.offsets[node];
    const size_t count = table_.offsets[node + 1] - begin;
    const auto steps = std::span(table_.steps).subspan(begin, count);
    load(begin, count, f);
    for (size_t i = 0; i < count; ++i) {
      float* out = matrix_.values.data() + (begin + i) * matrix_.columns.size() + column;
      *out++ = value_[i];
      for (const int64_t lag : options_.lags) *out++ = at_step(steps, i, steps[i] - lag);
    }
    size_t offset = column + 1 + options_.lags.size();
    for (const int64_t window : options_.windows) {
      means(steps, begin, window, offset);
      offset += 2;
    }
  }

 private:
  void load(size_t begin, size_t count, size_t f) {
    value_.resize(count);
    sums_.assign(count + 1, 0.0);
    for (size_t i = 0; i < count; ++i) {
      value_[i] = shown(table_.frame(begin + i)[f], series::kFeatures[f].kind);
      sums_[i + 1] = sums_[i] + (std::isnan(value_[i]) ? 0.0 : value_[i]);
    }
  }

  // The value at `step`, which is at most 60 or so rows before row i: a short walk back.
  float at_step(std::span<const int64_t> steps, size_t i, int64_t step) const {
    const auto begin = steps.begin();
    const auto from =
        begin + static_cast<std::ptrdiff_t>(i - std::min<size_t>(i, static_cast<size_t>(steps[i] - step)));
    const auto it = std::lower_bound(from, begin + static_cast<std::ptrdiff_t>(i), step);
    return it != begin + static_cast<std::ptrdiff_t>(i) && *it == step
               ? value_[static_cast<size_t>(it - begin)]
               : 0.0f;
  }

  void means(std::span<const int64_t> steps, size_t begin, int64_t window, size_t column) {
    size_t low = 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      while (steps[low] < steps[i] - window) ++low;
      const double mean = (sums_[i] - sums_[low]) / static_cast<double>(window);
      float* out = matrix_.values.data() + (begin + i) * matrix_.columns.size() + column;
      out[0] = static_cast<float>(mean);
      out[1] = static_cast<float>(value_[i] - mean);
    }
  }

  const eval::FrameTable& table_;
  const LaggedOptions& options_;
  LaggedMatrix& matrix_;
  std::vector<float> value_;
  std::vector<double> sums_;
};

void name_followed(LaggedMatrix& m, std::string_view name, const LaggedOptions& options) {
  m.columns.emplace_back(name);
  for (const int64_t lag : options.lags) m.columns.push_back(fmt::format("{}[-{}]", name, lag));
  for (const int64_t window : options.windows) {
    m.columns.push_back(fmt::format("{} mean {}", name, window));
    m.columns.push_back(fmt::format("{} - mean {}", name, window));
  }
}

}  // namespace

LaggedMatrix lagged_features(const eval::FrameTable& table, const LaggedOptions& options) {
  LaggedMatrix m;
  m.rows = table.rows();
  std::vector<std::pair<size_t, size_t>> column_of;  // feature, first column
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    if (table.missing[f]) continue;
    column_of.emplace_back(f, m.columns.size());
    if (is_followed(series::kFeatures[f].kind)) {
      name_followed(m, series::kFeatures[f].name, options);
    } else {
      m.columns.emplace_back(series::kFeatures[f].name);
    }
  }
  const size_t ratios = m.columns.size();
  std::vector<size_t> paired;  // incoming volumes given both ways: log in - log out
  for (const auto& [f, column] : column_of) {
    if (f >= series::kOutOffset || series::kFeatures[f].kind != series::Kind::kVolume) continue;
    if (table.missing[f + series::kOutOffset]) continue;
    paired.push_back(f);
    m.columns.push_back(fmt::format("{} / out", series::kFeatures[f].name));
  }
  const size_t calendar = m.columns.size();
  m.columns.insert(m.columns.end(), {"minute of day", "weekday"});
  m.values.resize(m.rows * m.columns.size());
  Filler filler(table, options, m);
  for (const auto& [f, column] : column_of) {
    if (!is_followed(series::kFeatures[f].kind)) continue;
    for (size_t node = 0; node < table.nodes.size(); ++node) filler.followed(node, f, column);
  }
  const auto zone = base::TimeZone::load(table.timezone);
  for (size_t row = 0; row < m.rows; ++row) {
    float* out = m.values.data() + row * m.columns.size();
    for (const auto& [f, column] : column_of) {
      if (!is_followed(series::kFeatures[f].kind))
        out[column] = shown(table.frame(row)[f], series::kFeatures[f].kind);
    }
    for (size_t i = 0; i < paired.size(); ++i) {
      out[ratios + i] = shown(table.frame(row)[paired[i]], series::Kind::kVolume) -
                        shown(table.frame(row)[paired[i] + series::kOutOffset], series::Kind::kVolume);
    }
    const int64_t minute = base::step_of(zone.local(table.steps[row] * table.step_ms), 60'000);
    out[calendar] = static_cast<float>(((minute % 1440) + 1440) % 1440);
    out[calendar + 1] = static_cast<float>((((base::step_of(minute, 1440) + 3) % 7) + 7) % 7);  // Monday is 0
  }
  return m;
}

}  // namespace netflowgen::study
