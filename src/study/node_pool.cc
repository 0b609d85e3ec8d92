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
};

void add_group(const series::FrameTable& table, const learn::FeatureCache& cache,
               std::span<const size_t> nodes, NodePool& pool, Sums& all) {
  pool.hidden = cache.hidden;
  pool.width = cache.hidden + cache.dense;
  pool.mean.resize(table.nodes.size() * pool.width);
  all.sum.resize(pool.width);
  all.squares.resize(pool.width);
  std::vector<double> x(pool.width);
  for (const size_t n : nodes) {
    const std::span<double> mean(pool.mean.data() + n * pool.width, pool.width);
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (cache.kept[r] < 0) continue;
      take(cache, static_cast<size_t>(cache.kept[r]), x);
      ++pool.steps[n];
      ++all.steps;
      for (size_t k = 0; k < pool.width; ++k) {
        mean[k] += x[k];
        all.sum[k] += x[k];
        all.squares[k] += x[k] * x[k];
      }
    }
    for (double& v : mean) v /= static_cast<double>(std::max<uint64_t>(pool.steps[n], 1));
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
  Sums all;
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
    add_group(table, backbone.scan(table, scan, stop, {}), group, pool, all);
    if (progress) progress({"nodes", n + 1, table.nodes.size(), ""});
    group.clear();
    rows = 0;
  }
  const double count = static_cast<double>(std::max<uint64_t>(all.steps, 1));
  for (size_t k = 0; k < pool.width; ++k) {
    const double mean = all.sum[k] / count;
    const double variance = std::max(0.0, all.squares[k] / count - mean * mean);
    pool.deviation.push_back(std::max(kLeastDeviation, std::sqrt(variance)));
  }
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
