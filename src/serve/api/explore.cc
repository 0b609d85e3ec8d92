// GET /api/v1/explore: one dimension of all traffic, as a stacked area and its table.
#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "serve/api/json.h"
#include "serve/log.h"

namespace netflowgen::serve {
namespace {

constexpr int64_t kUsualSpan_ms = base::kHourMs;

enum class Metric : uint8_t { kBytes, kPackets, kFlows };

double value_of(const Amount& a, Metric metric) {
  if (metric == Metric::kBytes) return (a.known & 1) != 0 ? a.bytes : std::nan("");
  if (metric == Metric::kPackets) return (a.known & 2) != 0 ? a.packets : std::nan("");
  return a.flows;
}

// Rows of the disk, and in place of them those of memory, which are longer lists.
std::vector<TopRow> rows_of(const ServiceState& state, Dimension by, const TimeRange& range,
                            Resolution resolution) {
  auto rows = state.reader.top(resolution, by, range.from_ms, range.to_ms);
  if (resolution != Resolution::kStep) return rows;
  const auto blocks = state.history.between(range.from_ms, range.to_ms);
  if (blocks.empty()) return rows;
  const base::TimeMs first = blocks.front()->time_ms;
  std::erase_if(rows, [&](const TopRow& row) { return row.time_ms >= first; });
  for (const auto& block : blocks) {
    rows.push_back({block->time_ms, "", block->breakdown.total});
    for (const auto& share : block->breakdown.top[static_cast<size_t>(by)]) {
      rows.push_back({block->time_ms, share.name, share.amount});
    }
  }
  return rows;
}

struct Sums {
  std::vector<base::TimeMs> times;
  std::map<base::TimeMs, Amount> totals;
  std::unordered_map<std::string, Amount> names;
  Amount all;
};

Sums sums_of(const std::vector<TopRow>& rows) {
  Sums s;
  for (const auto& row : rows) {
    if (row.name.empty()) {
      s.totals[row.time_ms] = row.amount;
      s.all.add(row.amount);
    } else {
      s.names[row.name].add(row.amount);
    }
  }
  for (const auto& [time, amount] : s.totals) s.times.push_back(time);
  return s;
}

std::vector<std::string> most(const Sums& sums, Metric metric, size_t limit) {
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, amount] : sums.names) {
    const double x = value_of(amount, metric);
    if (!std::isnan(x)) order.emplace_back(-x, name);
  }
  const size_t n = std::min(limit, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < n; ++i) names.push_back(order[i].second);
  return names;
}

Json amount_json(const Amount& a, Metric metric, double total) {
  const double x = value_of(a, metric);
  return {{"bytes", number(value_of(a, Metric::kBytes))},
          {"packets", number(value_of(a, Metric::kPackets))},
          {"flows", number(a.flows)},
          {"share", number(total > 0 ? x / total : std::nan(""))}};
}

}  // namespace

Json explore_json(const ServiceState& state, const Request& r) {
  const auto by =
      parse_dimension(word_of(r, "by", {"source", "destination", "port", "protocol", "exporter"}, ""));
  if (!by) throw ApiError{400, "by: expected one of source, destination, port, protocol, exporter"};
  const std::string metric_name = word_of(r, "metric", {"bytes", "packets", "flows"}, "bytes");
  const Metric metric = metric_name == "bytes"     ? Metric::kBytes
                        : metric_name == "packets" ? Metric::kPackets
                                                   : Metric::kFlows;
  const auto limit = static_cast<size_t>(integer_of(r, "limit", 1, 50, 10));
  const TimeRange range = range_of(r, state.now(), kUsualSpan_ms);
  const Resolution resolution = resolution_for(state, range);
  const auto rows = rows_of(state, *by, range, resolution);
  const Sums sums = sums_of(rows);
  const auto names = most(sums, metric, limit);
  std::unordered_map<std::string, size_t> index;
  for (size_t i = 0; i < names.size(); ++i) index[names[i]] = i;
  const size_t n = sums.times.size();
  // A name that is not listed in a step had less than those that are: it counts as none there.
  std::vector<std::vector<double>> values(names.size(), std::vector<double>(n));
  std::vector<double> other(n);
  Json total = Json::array();
  for (size_t i = 0; i < n; ++i) {
    other[i] = value_of(sums.totals.at(sums.times[i]), metric);
    total.push_back(number(other[i]));
  }
  for (const auto& row : rows) {
    const auto it = row.name.empty() ? index.end() : index.find(row.name);
    if (it == index.end()) continue;
    const auto at = static_cast<size_t>(std::lower_bound(sums.times.begin(), sums.times.end(), row.time_ms) -
                                        sums.times.begin());
    const double x = value_of(row.amount, metric);
    if (at >= n || std::isnan(x)) continue;
    values[it->second][at] = x;
    other[at] = std::max(0.0, other[at] - x);
  }
  Json series = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    Json j = {{"name", names[i]}, {"label", label_of(*by, names[i])}};
    j.update(amount_json(sums.names.at(names[i]), metric, value_of(sums.all, metric)));
    Json list = Json::array();
    for (const double x : values[i]) list.push_back(number(x));
    j["values"] = std::move(list);
    series.push_back(std::move(j));
  }
  Json rest = Json::array();
  for (const double x : other) rest.push_back(number(x));
  return {{"by", name_of(*by)},
          {"metric", metric_name},
          {"resolution_ms", length_ms(resolution, state.info.step_ms)},
          {"times", sums.times},
          {"total", total},
          {"other", rest},
          {"series", series}};
}

}  // namespace netflowgen::serve
