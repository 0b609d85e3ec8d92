#include "eval/congestion/congestion_cells.h"

#include <algorithm>
#include <cmath>

#include "eval/forecast/forecast_protocol.h"

namespace netflowgen::eval {

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
    const auto values = threshold_series(table_, node, o_.features[f], threshold);
    for (size_t h = 0; h < o_.horizons.size(); ++h) {
      const ThresholdHistory history(table_, values, train_from_, train_to_,
                                     static_cast<size_t>(o_.horizons[h]));
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

void CongestionCells::add_cells(CongestionSide& side, size_t first, CongestionCell cell,
                                const ThresholdSeries& s, const ThresholdHistory& history) const {
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
    cell.said = {rate, history.by_hour(step), above ? 1.0 : 0.0, known ? history.from(above) : rate,
                 known ? history.walk(s, s.values[at]) : rate};
    side.cells.push_back(cell);
  }
}

}  // namespace netflowgen::eval
