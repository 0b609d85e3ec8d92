// Task "congestion": how likely a volume passes a threshold within some steps. No label and no training: the probability is read
// off a forecast's quantiles. Definitions: docs/tasks.md and docs/evaluation.md, Congestion.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/labels.h"

namespace netflowgen::eval {

// Probability that the value is above `threshold`, from its nine quantiles (kQuantileLevels), which ascend. Linear in log(1 + value)
// between quantiles; beyond the outer ones the tail halves with every distance between the two outermost. NaN: a quantile or
// the threshold is not known.
double exceedance(std::span<const float> quantiles, double threshold);

// Capacities of nodes in bit/s.
struct Capacities {
  std::vector<double> of;     // [nodes]; NaN: not known
  size_t unknown_nodes = 0;   // rows of nodes that the table lacks
  std::string first_unknown;  // one of them, with its line
};
// CSV with the columns node and capacity: a number of bit/s, or one with k, M, G or T (10G). Error: unreadable; a column lacks; a
// capacity that is no number above zero; two capacities of one node; no node of the table has one.
Capacities load_capacities(const std::string& path, const FrameTable& table);
Capacities parse_capacities(std::string_view text, const std::string& name, const FrameTable& table);
// "10G" -> 1e10. NaN: not a number above zero.
double parse_capacity(std::string_view text);

// What a series must pass, [nodes, features] in the feature's unit a step. NaN: the series takes no part.
using Thresholds = std::vector<double>;

// A share of the capacity; for features in bytes. Error: another feature.
Thresholds share_of_capacity(const FrameTable& table, const Capacities& capacities, double share,
                             std::span<const int> features);
double threshold_of_capacity(double capacity_bps, double share, int64_t step_ms);
// The quantile of each series' values over the period, idle steps as zeros; NaN where that is zero.
Thresholds own_quantiles(const FrameTable& table, Period period, double quantile,
                         std::span<const int> features);

}  // namespace netflowgen::eval
