#include "study/node_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/nan.h"
#include "series/features.h"

namespace netflowgen::study {
namespace {

constexpr size_t kGroupRows = size_t{1} << 18;  // of a walk: about half a gigabyte of head inputs
constexpr double kLeastDeviation = 0.01;
constexpr std::array<double, 6> kLevels = {.1, .25, .5, .75, .9, .99};
constexpr size_t kQuarters = 4;
constexpr size_t kParts = 5;             // of the time, for NodePool::within
constexpr size_t kMostScattered = 2000;  // nodes that give to it
constexpr uint64_t kLeastSteps = 8;      // of a node in a part

size_t rows_in(const series::FrameTable& table, size_t node, learn::StepRange range) {
  return table.lower_bound(node, range.to) - table.lower_bound(node, range.from);
}

// Columns of z that a class head reads: all but the surprise.
void take(const learn::FeatureCache& cache, size_t kept, std::span<double> out) {
  const float* z = cache.z.data() + kept * cache.width();
  std::copy_n(z, cache.hidden, out.begin());
  std::copy_n(z + cache.hidden + cache.surprise, cache.dense,
              out.begin() + static_cast<std::ptrdiff_t>(cache.hidden));
}

struct Sums {
  uint64_t steps = 0;
  std::vector<double> sum;
  std::vector<double> squares;
  size_t every = 1;    // nodes of which one gives to `within`
  uint64_t parts = 0;  // behind `within`
  std::vector<double> within;
};

// Means of one node over parts of the time.
class Parts {
 public:
  Parts(learn::StepRange range, size_t width) : range_(range), sums_(kParts * width), width_(width) {}

  void clear() {
    std::fill(sums_.begin(), sums_.end(), 0.0);
    steps_.fill(0);
  }
  void add(int64_t step, std::span<const double> x) {
    const auto part =
        static_cast<size_t>((step - range_.from) * static_cast<int64_t>(kParts) / (range_.to - range_.from));
    ++steps_[part];
    for (size_t k = 0; k < width_; ++k) sums_[part * width_ + k] += x[k];
  }
  // Adds the products of the means' differences from `mean`.
  void add_scatter(std::span<const double> mean, Sums& all) const {
    std::vector<double> d(width_);
    for (size_t part = 0; part < kParts; ++part) {
      if (steps_[part] < kLeastSteps) continue;
      ++all.parts;
      for (size_t k = 0; k < width_; ++k)
        d[k] = sums_[part * width_ + k] / static_cast<double>(steps_[part]) - mean[k];
      for (size_t i = 0; i < width_; ++i) {
        for (size_t k = 0; k <= i; ++k) all.within[i * width_ + k] += d[i] * d[k];
      }
    }
  }

 private:
  learn::StepRange range_;
  std::array<uint64_t, kParts> steps_{};
  std::vector<double> sums_;  // [parts, width]
  size_t width_;
};

void add_group(const series::FrameTable& table, const learn::FeatureCache& cache,
               std::span<const size_t> nodes, learn::StepRange range, NodePool& pool, Sums& all) {
  pool.hidden = cache.hidden;
  pool.width = cache.hidden + cache.dense;
  pool.mean.resize(table.nodes.size() * pool.width);
  all.sum.resize(pool.width);
  all.squares.resize(pool.width);
  all.within.resize(pool.width * pool.width);
  std::vector<double> x(pool.width);
  Parts parts(range, pool.width);
  for (const size_t n : nodes) {
    parts.clear();
    const std::span<double> mean(pool.mean.data() + n * pool.width, pool.width);
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (cache.kept[r] < 0) continue;
      take(cache, static_cast<size_t>(cache.kept[r]), x);
      parts.add(table.steps[r], x);
      ++pool.steps[n];
      ++all.steps;
      for (size_t k = 0; k < pool.width; ++k) {
        mean[k] += x[k];
        all.sum[k] += x[k];
        all.squares[k] += x[k] * x[k];
      }
    }
    for (double& v : mean) v /= static_cast<double>(std::max<uint64_t>(pool.steps[n], 1));
    if (n % all.every == 0) parts.add_scatter(mean, all);
  }
}

// Deviations of steps, and the covariance within nodes, from their sums.
void finish(const Sums& all, NodePool& pool) {
  const double count = static_cast<double>(std::max<uint64_t>(all.steps, 1));
  for (size_t k = 0; k < pool.width; ++k) {
    const double mean = all.sum[k] / count;
    const double variance = std::max(0.0, all.squares[k] / count - mean * mean);
    pool.deviation.push_back(std::max(kLeastDeviation, std::sqrt(variance)));
  }
  pool.within.resize(pool.width * pool.width);
  const double parts = static_cast<double>(std::max<uint64_t>(all.parts, 1));
  for (size_t i = 0; i < pool.width; ++i) {
    for (size_t k = 0; k <= i; ++k)
      pool.within[i * pool.width + k] = pool.within[k * pool.width + i] =
          all.within[i * pool.width + k] / parts;
  }
}

float share(size_t part, size_t whole) {
  return whole == 0 ? base::kNaN : static_cast<float>(part) / static_cast<float>(whole);
}

// Mean, deviation and quantiles of the values that are known.
void describe(std::vector<float>& values, std::span<float> out) {
  std::fill(out.begin(), out.end(), base::kNaN);
  if (values.empty()) return;
  double sum = 0;
  double squares = 0;
  for (const float v : values) sum += double{v};
  const double mean = sum / static_cast<double>(values.size());
  for (const float v : values) squares += (double{v} - mean) * (double{v} - mean);
  out[0] = static_cast<float>(mean);
  out[1] = static_cast<float>(std::sqrt(squares / static_cast<double>(values.size())));
  std::sort(values.begin(), values.end());
  for (size_t q = 0; q < kLevels.size(); ++q) {
    const double at = kLevels[q] * static_cast<double>(values.size() - 1);
    out[2 + q] = values[static_cast<size_t>(at)];
  }
}

std::vector<size_t> given_features(const series::FrameTable& table) {
  std::vector<size_t> given;
  for (size_t f = 0; f < series::kFeatureCount; ++f) {
    if (!table.missing[f] && series::kFeatures[f].kind != series::Kind::kCategory) given.push_back(f);
  }
  return given;
}

std::vector<std::string> summary_columns(std::span<const size_t> features) {
  std::vector<std::string> columns = {"active_share"};
  for (const size_t f : features) {
    const auto name = series::kFeatures[f].name;
    columns.push_back(fmt::format("{} mean", name));
    columns.push_back(fmt::format("{} deviation", name));
    for (const double q : kLevels) columns.push_back(fmt::format("{} q{:g}", name, 100 * q));
  }
  for (size_t q = 0; q < kQuarters; ++q)
    columns.push_back(fmt::format("share of hours {} to {}", 6 * q, 6 * q + 6));
  columns.emplace_back("share of the weekend");
  return columns;
}

}  // namespace

NodePool pool_nodes(const learn::Backbone& backbone, const series::FrameTable& table, learn::StepRange range,
                    const base::StopFlag& stop, const base::ProgressFn& progress) {
  NodePool pool;
  pool.steps.resize(table.nodes.size());
  const learn::StepRange span{std::max(range.from, table.first_step), std::min(range.to, table.end_step)};
  Sums all;
  all.every = 1 + table.nodes.size() / kMostScattered;
  std::vector<size_t> group;
  size_t rows = 0;
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    const size_t own = rows_in(table, n, range);
    if (own > 0) group.push_back(n);
    rows += own;
    if (group.empty() || (rows < kGroupRows && n + 1 < table.nodes.size())) continue;
    learn::ScanOptions scan;
    scan.range = range;
    scan.nodes = group;
    add_group(table, backbone.scan(table, scan, stop, {}), group, span, pool, all);
    if (progress) progress({"nodes", n + 1, table.nodes.size(), ""});
    group.clear();
    rows = 0;
  }
  finish(all, pool);
  return pool;
}

NodeSummaries summarise_nodes(const series::FrameTable& table, learn::StepRange range) {
  const auto features = given_features(table);
  NodeSummaries all{summary_columns(features), {}};
  const int64_t from = std::max(range.from, table.first_step);
  const int64_t to = std::min(range.to, table.end_step);
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    const size_t first = table.lower_bound(n, from);
    const size_t last = table.lower_bound(n, to);
    std::vector<float> row(all.columns.size());
    row[0] = share(last - first, static_cast<size_t>(std::max<int64_t>(to - from, 1)));
    size_t at = 1;
    for (const size_t f : features) {
      std::vector<float> values;
      const bool ratio = series::kFeatures[f].kind == series::Kind::kRatio;
      for (size_t r = first; r < last; ++r) {
        const float v = table.frame(r)[f];
        if (!std::isnan(v)) values.push_back(ratio ? v : std::log1p(v));
      }
      describe(values, std::span(row).subspan(at, 2 + kLevels.size()));
      at += 2 + kLevels.size();
    }
    std::array<size_t, kQuarters> quarters{};
    size_t weekend = 0;
    for (size_t r = first; r < last; ++r) {
      const int64_t hours = table.steps[r] * table.step_ms / 3'600'000;
      ++quarters[static_cast<size_t>(hours % 24 / 6)];
      weekend += (hours / 24 + 3) % 7 >= 5 ? 1 : 0;  // the epoch was a Thursday
    }
    for (const size_t q : quarters) row[at++] = share(q, last - first);
    row[at] = share(weekend, last - first);
    all.values.insert(all.values.end(), row.begin(), row.end());
  }
  return all;
}

}  // namespace netflowgen::study
