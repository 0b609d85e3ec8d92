#include "eval/congestion/congestion.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "base/nan.h"
#include "base/words.h"
#include "eval/forecast/forecaster.h"
#include "eval/metrics.h"
#include "flow/text_table.h"

namespace netflowgen::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastSpread = 1e-6;  // between outer quantiles, in log(1 + value)

size_t column_of(const std::vector<std::string>& header, std::string_view name, const std::string& file) {
  const auto it = std::find(header.begin(), header.end(), name);
  if (it != header.end()) return static_cast<size_t>(it - header.begin());
  throw base::Error("{}: expected a header with the columns node and capacity; it is: {}", file,
                    base::joined(header));
}

Capacities read(flow::TextTable& file, const FrameTable& table) {
  std::vector<std::string> cells;
  if (!file.next(cells)) throw base::Error("{}: no capacities: the file is empty", file.name());
  const size_t columns = cells.size();
  const size_t node = column_of(cells, "node", file.name());
  const size_t capacity = column_of(cells, "capacity", file.name());
  std::unordered_map<std::string, size_t> by_name;
  for (size_t n = 0; n < table.nodes.size(); ++n) by_name.emplace(table.nodes[n], n);
  Capacities c;
  c.of.assign(table.nodes.size(), kNaN);
  size_t known = 0;
  while (file.next(cells)) {
    if (cells.size() <= std::max(node, capacity))
      throw base::Error("{}, line {}: too few columns", file.name(), file.line());
    if (cells.size() > columns) {  // of 10,5G only 10 would be read
      throw base::Error("{}, line {}: {} cells under {} columns: {}; a decimal sign is a point", file.name(),
                        file.line(), cells.size(), columns, base::joined(cells));
    }
    const double value = parse_capacity(cells[capacity]);
    if (std::isnan(value)) {
      throw base::Error(
          "{}, line {}: the capacity of {} is '{}'; expected bit/s above zero, e.g. 10G; leave the line out "
          "where it is "
          "not known",
          file.name(), file.line(), cells[node], cells[capacity]);
    }
    const auto it = by_name.find(cells[node]);
    if (it == by_name.end()) {
      if (c.unknown_nodes++ == 0) c.first_unknown = fmt::format("{} on line {}", cells[node], file.line());
      continue;
    }
    if (!std::isnan(c.of[it->second]) && c.of[it->second] != value)
      throw base::Error("{}, line {}: a second capacity of {}; keep one", file.name(), file.line(),
                        cells[node]);
    c.of[it->second] = value;
    ++known;
  }
  if (known > 0) return c;
  throw base::Error("{}: no node of the store has a capacity{}", file.name(),
                    c.unknown_nodes == 0 ? "" : "; not in the store: " + c.first_unknown);
}

}  // namespace

double exceedance(std::span<const float> quantiles, double threshold) {
  if (std::isnan(threshold)) return kNaN;
  std::array<double, kQuantiles> x{};
  for (size_t q = 0; q < kQuantiles; ++q) {
    if (std::isnan(quantiles[q])) return kNaN;
    x[q] = std::log1p(std::max(0.0, double{quantiles[q]}));
  }
  const double t = std::log1p(std::max(0.0, threshold));
  constexpr size_t kLast = kQuantiles - 1;
  const auto tail = [](double distance, double spread) {
    return 0.1 * std::exp2(-distance / std::max(spread, kLeastSpread));
  };
  if (t >= x[kLast]) return tail(t - x[kLast], x[kLast] - x[kLast - 1]);
  if (t < x[0]) return 1 - tail(x[0] - t, x[1] - x[0]);
  size_t q = 0;
  while (t >= x[q + 1]) ++q;
  const double part = (t - x[q]) / (x[q + 1] - x[q]);
  return 1 - kQuantileLevels[q] - part * (kQuantileLevels[q + 1] - kQuantileLevels[q]);
}

double parse_capacity(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return kNaN;
  const std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  constexpr std::string_view kSuffixes = "kMGT";
  if (suffix.size() > 1) return kNaN;
  if (suffix.size() == 1) {
    const size_t power = kSuffixes.find(suffix[0] == 'K' ? 'k' : suffix[0]);
    if (power == std::string_view::npos) return kNaN;
    value *= std::pow(1000.0, static_cast<double>(power + 1));
  }
  return std::isfinite(value) && value > 0 ? value : kNaN;
}

Capacities parse_capacities(std::string_view text, const std::string& name, const FrameTable& table) {
  flow::TextTable file(text, name);
  return read(file, table);
}

Capacities load_capacities(const std::string& path, const FrameTable& table) {
  flow::TextTable file(path);
  return read(file, table);
}

double threshold_of_capacity(double capacity_bps, double share, int64_t step_ms) {
  return capacity_bps * share / 8 * static_cast<double>(step_ms) / 1000;
}

Thresholds share_of_capacity(const FrameTable& table, const Capacities& capacities, double share,
                             std::span<const int> features) {
  Thresholds thresholds;
  for (const int f : features) {
    if (f == series::kBytesIn || f == series::kBytesOut) continue;
    throw base::UsageError("a capacity in bit/s is compared with bytes_in and bytes_out, not with {}",
                           series::kFeatures[static_cast<size_t>(f)].name);
  }
  for (const double capacity : capacities.of)
    thresholds.insert(thresholds.end(), features.size(),
                      threshold_of_capacity(capacity, share, table.step_ms));
  return thresholds;
}

Thresholds own_quantiles(const FrameTable& table, Period period, double q, std::span<const int> features) {
  const int64_t from = std::max(base::step_of(period.from_ms, table.step_ms), table.first_step);
  const int64_t to = std::min(base::step_of(period.to_ms - 1, table.step_ms) + 1, table.end_step);
  Thresholds thresholds;
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    for (const int f : features) {
      std::vector<double> values;
      size_t row = table.lower_bound(node, from);
      for (int64_t s = from; s < to; ++s) {
        const bool there = row < table.offsets[node + 1] && table.steps[row] == s;
        const float v = there ? table.frame(row++)[static_cast<size_t>(f)] : 0.0f;
        if (!std::isnan(v)) values.push_back(double{v});
      }
      const double t = quantile(std::move(values), q);
      thresholds.push_back(t > 0 ? t : kNaN);
    }
  }
  return thresholds;
}

}  // namespace netflowgen::eval
