#include "eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/nan.h"
#include "base/random.h"

namespace netflowgen::eval {
namespace {

using base::kNaN;

}  // namespace

Ranking::Ranking(std::vector<ScoredRow> rows, size_t events, bool by_event) : rows_(std::move(rows)) {
  for (ScoredRow& r : rows_) {
    if (std::isnan(r.score)) r.score = -std::numeric_limits<float>::infinity();
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const ScoredRow& a, const ScoredRow& b) { return a.score > b.score; });
  std::unordered_map<int32_t, size_t> rows_of;
  size_t positives = 0;
  for (const ScoredRow& r : rows_) {
    if (r.event < 0) continue;
    ++rows_of[r.event];
    ++positives;
  }
  const double each = rows_of.empty() ? 0 : static_cast<double>(positives) / static_cast<double>(events);
  weights_.reserve(rows_.size());
  for (const ScoredRow& r : rows_) {
    const bool weighed = by_event && r.event >= 0;
    weights_.push_back(weighed ? static_cast<float>(each / static_cast<double>(rows_of[r.event])) : 1.0f);
  }
  if (by_event && events > rows_of.size()) lost_ = each * static_cast<double>(events - rows_of.size());
}

double Ranking::auprc(std::span<const uint32_t> day_weights) const {
  double total = lost_;
  const auto weight = [&](size_t i) {
    const double w = weights_[i];
    return day_weights.empty() ? w : w * day_weights[static_cast<size_t>(rows_[i].day)];
  };
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].event >= 0) total += weight(i);
  }
  if (total <= lost_) return kNaN;
  double area = 0;
  double hits = 0;
  double alarms = 0;
  for (size_t i = 0; i < rows_.size();) {
    const double before = hits;
    const float score = rows_[i].score;
    for (; i < rows_.size() && rows_[i].score == score; ++i) {
      const double w = weight(i);
      alarms += w;
      if (rows_[i].event >= 0) hits += w;
    }
    if (hits > before) area += (hits - before) / total * (hits / alarms);
  }
  return area;
}

double Ranking::auroc() const {
  double hits = 0;
  double misses = 0;
  double area = 0;
  for (size_t i = 0; i < rows_.size();) {
    double up = 0;
    double right = 0;
    const float score = rows_[i].score;
    for (; i < rows_.size() && rows_[i].score == score; ++i) {
      (rows_[i].event >= 0 ? up : right) += weights_[i];
    }
    area += right * (hits + up / 2);
    hits += up;
    misses += right;
  }
  return hits > 0 && misses > 0 ? area / (hits * misses) : kNaN;
}

std::vector<PrPoint> Ranking::curve(size_t points) const {
  std::vector<PrPoint> all;
  double total = lost_;
  for (size_t i = 0; i < rows_.size(); ++i) total += rows_[i].event >= 0 ? weights_[i] : 0;
  double hits = 0;
  double alarms = 0;
  for (size_t i = 0; i < rows_.size();) {
    const float score = rows_[i].score;
    for (; i < rows_.size() && rows_[i].score == score; ++i) {
      alarms += weights_[i];
      if (rows_[i].event >= 0) hits += weights_[i];
    }
    if (total > 0) all.push_back({hits / total, hits / alarms, score});
  }
  // Thin evenly in recall; the last point of a recall level carries the level's lowest precision.
  std::vector<PrPoint> thin;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool end = i == 0 || i + 1 == all.size();
    const double moved = thin.empty() ? 1
                                      : std::abs(all[i].recall - thin.back().recall) +
                                            std::abs(all[i].precision - thin.back().precision);
    if (end || moved >= 2.0 / static_cast<double>(points)) thin.push_back(all[i]);
  }
  return thin;
}

Interval resample_days(size_t days, size_t resamples, uint64_t seed,
                       const std::function<double(std::span<const uint32_t>)>& statistic) {
  base::Random random(seed);
  std::vector<double> values;
  std::vector<uint32_t> weights(days);
  for (size_t r = 0; r < resamples && days > 0; ++r) {
    std::fill(weights.begin(), weights.end(), 0);
    for (size_t d = 0; d < days; ++d) ++weights[random.below(days)];
    const double v = statistic(weights);
    if (!std::isnan(v)) values.push_back(v);
  }
  return {quantile(values, 0.025), quantile(values, 0.975)};
}

MeanDeviation mean_deviation(std::span<const double> values) {
  MeanDeviation result;
  double sum = 0;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    sum += v;
    ++result.count;
  }
  if (result.count == 0) return {kNaN, kNaN, 0};
  result.mean = sum / static_cast<double>(result.count);
  double squares = 0;
  for (const double v : values) {
    if (std::isfinite(v)) squares += (v - result.mean) * (v - result.mean);
  }
  if (result.count > 1) result.deviation = std::sqrt(squares / static_cast<double>(result.count - 1));
  return result;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return kNaN;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  // Infinite order statistics (misses) must not make NaN of an interpolation that does not touch them.
  const double share = at - static_cast<double>(low);
  return share == 0 ? values[low] : values[low] + share * (values[high] - values[low]);
}

std::vector<SurvivalPoint> kaplan_meier(std::vector<Lifetime> lifetimes) {
  std::sort(lifetimes.begin(), lifetimes.end(),
            [](const Lifetime& a, const Lifetime& b) { return a.time < b.time; });
  std::vector<SurvivalPoint> curve;
  double survival = 1;
  for (size_t i = 0; i < lifetimes.size();) {
    const double time = lifetimes[i].time;
    const auto at_risk = static_cast<double>(lifetimes.size() - i);
    double found = 0;
    for (; i < lifetimes.size() && lifetimes[i].time == time; ++i) found += lifetimes[i].observed ? 1 : 0;
    if (found == 0) continue;
    survival *= 1 - found / at_risk;
    curve.push_back({time, survival});
  }
  return curve;
}

double median_survival(std::span<const SurvivalPoint> curve) {
  for (const SurvivalPoint& p : curve) {
    if (p.survival <= 0.5) return p.time;
  }
  return std::numeric_limits<double>::infinity();
}

}  // namespace netflowgen::eval
