#include "eval/congestion_cells.h"

#include <algorithm>
#include <cmath>

#include "eval/forecast/forecast_protocol.h"

namespace netflowgen::eval {
namespace {

constexpr double kPrior = 5;  // steps' worth of the series' own rate in rates of a part of its steps
constexpr size_t kHours = 24;
constexpr int64_t kHourMs = 3'600'000;

enum class Passed : uint8_t { kNo, kYes, kUnknown };

struct Share {
  double events = 0;
  double steps = 0;
  void add(bool event) {
    events += event ? 1 : 0;
    steps += 1;
  }
  double rate(double prior) const { return (events + kPrior * prior) / (steps + kPrior); }
};

size_t hour_of(int64_t step, int64_t step_ms) { return static_cast<size_t>(step * step_ms / kHourMs % 24); }

}  // namespace

// Every step of the archive, as log(1 + value).
struct CongestionCells::Series {
  std::vector<float> values;  // NaN: unknown
  float threshold = 0;

  bool above(size_t at) const { return values[at] > threshold; }

  // The most of the `horizon` steps after `at`, of those known; and whether it is above the threshold.
  Passed after(size_t at, size_t horizon, float& most) const {
    bool unknown = at + horizon >= values.size();
    most = -INFINITY;
    for (size_t i = at + 1; i <= at + horizon && i < values.size(); ++i) {
      unknown |= std::isnan(values[i]);
      if (values[i] > most) most = values[i];
    }
    if (most > threshold) return Passed::kYes;
    return unknown ? Passed::kUnknown : Passed::kNo;
  }
};

// What the training steps of a series say of one horizon.
struct CongestionCells::History {
  Share all;
  std::array<Share, kHours> hours;
  std::array<Share, 2> from;   // below, above
  std::vector<float> changes;  // from a step to the most of those after it, ascending

  double climatology() const { return all.steps > 0 ? all.events / all.steps : 0; }
  // Share of the changes that would pass a threshold so far above.
  double walk(float margin) const {
    const auto above = changes.end() - std::upper_bound(changes.begin(), changes.end(), margin);
    return Share{static_cast<double>(above), static_cast<double>(changes.size())}.rate(climatology());
  }
};

CongestionCells::CongestionCells(const FrameTable& table, const Thresholds& thresholds,
                                 const CongestionOptions& o)
    : table_(table), thresholds_(thresholds), o_(o) {
  train_from_ = index_of(o.train.from_ms);
  train_to_ = index_of(o.train.to_ms);
  for (CongestionSide* side : {&validation, &test}) {
    const Period p = side == &test ? o.test : o.validation;
    side->steps = origin_steps(p, table.step_ms, o.every_ms);
    std::erase_if(side->steps, [&](int64_t s) { return s < table.first_step || s >= table.end_step; });
  }
  for (size_t node = 0; node < table.nodes.size(); ++node) add_node(node);
}

size_t CongestionCells::index_of(base::TimeMs t) const {
  const int64_t step = base::step_of(t + table_.step_ms - 1, table_.step_ms);
  return static_cast<size_t>(std::clamp(step, table_.first_step, table_.end_step) - table_.first_step);
}

void CongestionCells::add_node(size_t node) {
  const std::array<size_t, 2> first = {validation.origins.size(), test.origins.size()};
  add_origins(node, validation);
  add_origins(node, test);
  for (size_t f = 0; f < o_.features.size(); ++f) {
    const double threshold = thresholds_[node * o_.features.size() + f];
    if (std::isnan(threshold)) {
      ++without;
      continue;
    }
    ++series;
    silent += test.origins.size() == first[1] ? 1 : 0;
    const Series values = series_of(node, o_.features[f], threshold);
    for (size_t h = 0; h < o_.horizons.size(); ++h) {
      const History history = history_of(values, static_cast<size_t>(o_.horizons[h]));
      add_cells(validation, first[0], {0, f, h, false, threshold, {}}, values, history);
      add_cells(test, first[1], {0, f, h, false, threshold, {}}, values, history);
    }
  }
}

void CongestionCells::add_origins(size_t node, CongestionSide& side) const {
  for (const int64_t step : side.steps) {
    const size_t row = table_.lower_bound(node, step);
    if (row < table_.offsets[node + 1] && table_.steps[row] == step) side.origins.push_back({node, step});
  }
}

CongestionCells::Series CongestionCells::series_of(size_t node, int feature, double threshold) const {
  Series s{std::vector<float>(static_cast<size_t>(table_.end_step - table_.first_step)),
           static_cast<float>(std::log1p(threshold))};
  for (size_t row = table_.offsets[node]; row < table_.offsets[node + 1]; ++row) {
    s.values[static_cast<size_t>(table_.steps[row] - table_.first_step)] =
        std::log1p(table_.frame(row)[static_cast<size_t>(feature)]);
  }
  return s;
}

CongestionCells::History CongestionCells::history_of(const Series& s, size_t horizon) const {
  History history;
  for (size_t at = train_from_; at + horizon < train_to_; ++at) {
    float most = 0;
    const Passed event = s.after(at, horizon, most);
    if (event == Passed::kUnknown) continue;
    const bool yes = event == Passed::kYes;
    history.all.add(yes);
    history.hours[hour_of(table_.first_step + static_cast<int64_t>(at), table_.step_ms)].add(yes);
    if (std::isnan(s.values[at])) continue;
    history.from[s.above(at) ? 1 : 0].add(yes);
    history.changes.push_back(most - s.values[at]);
  }
  std::sort(history.changes.begin(), history.changes.end());
  return history;
}

void CongestionCells::add_cells(CongestionSide& side, size_t first, CongestionCell cell, const Series& s,
                                const History& history) const {
  const double rate = history.climatology();
  for (size_t i = first; i < side.origins.size(); ++i) {
    const int64_t step = side.origins[i].step;
    const auto at = static_cast<size_t>(step - table_.first_step);
    float most = 0;
    const Passed event = s.after(at, static_cast<size_t>(o_.horizons[cell.horizon]), most);
    if (event == Passed::kUnknown) continue;
    const bool above = s.above(at);
    const bool known = !std::isnan(s.values[at]);
    cell.origin = i;
    cell.event = event == Passed::kYes;
    cell.said = {rate, history.hours[hour_of(step, table_.step_ms)].rate(rate), above ? 1.0 : 0.0,
                 known ? history.from[above ? 1 : 0].rate(rate) : rate,
                 known ? history.walk(s.threshold - s.values[at]) : rate};
    side.cells.push_back(cell);
  }
}

}  // namespace netflowgen::eval
