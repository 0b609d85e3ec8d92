// Label-free detection baselines: what operators run today. Each is causal and keeps one small state a node.
// Definitions: docs/evaluation.md.
#pragma once

#include <memory>
#include <vector>

#include "eval/attacks/attack_method.h"

namespace netflowgen::eval {

// FastNetMon-style: the feature itself.
std::unique_ptr<AttackMethod> static_threshold(int feature);
// log((in + 1) / (out + 1)) of the first volume that the store gives in both directions.
std::unique_ptr<AttackMethod> in_out_ratio();
// The largest, over incoming volumes, of the log value's distance from its running mean in running
// deviations.
std::unique_ptr<AttackMethod> ewma_zscore(double span_steps = 60);
// The largest such distance either way, over volumes of both directions.
std::unique_ptr<AttackMethod> ewma_deviation(double span_steps = 60);
// As ewma_zscore, against a forecast with a level, and a season by the quarter hour of the day.
std::unique_ptr<AttackMethod> holt_winters();
// As ewma_deviation, against that forecast.
std::unique_ptr<AttackMethod> holt_winters_deviation();
// The largest cumulative sum of standardised log values above `slack` deviations, capped at `cap`.
std::unique_ptr<AttackMethod> cusum(double slack = 1, double cap = 50);
// The largest change of a log volume from one step to the next.
std::unique_ptr<AttackMethod> persistence_change();

// All of the above: a static threshold for every volume that the table gives.
std::vector<std::unique_ptr<AttackMethod>> label_free_baselines(const FrameTable& table);

// Volumes that the store gives: incoming ones, or those of both directions.
std::vector<int> volume_features(const FrameTable& table, bool incoming_only);

}  // namespace netflowgen::eval
