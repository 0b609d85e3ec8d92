#include "detect/rule_set.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace netflowgen::detect {
namespace {

bool shares_rate(const TaskCalibration& task, const Policy& policy) {
  return task.enabled && !policy.thresholds.contains(task.name) && !policy.task_rates.contains(task.name);
}

}  // namespace

RuleSet::RuleSet(Policies policies, Calibration calibration, int64_t step_ms, int64_t warm_steps)
    : policies_(std::move(policies)),
      calibration_(std::move(calibration)),
      step_ms_(step_ms),
      warm_steps_(warm_steps) {
  for (const auto& example : policies_.examples()) rule(example);
  rule("");
}

// The most specific entry that applies names all that apply: shorter prefixes around it are the same for
// every node inside.
const Rule& RuleSet::rule(std::string_view node) {
  std::string name;
  const Policy policy = policies_.resolve(node, name);
  const std::string key = name == node ? name + " by name" : name;  // "10.0.0.0/8" may be a node and a prefix
  const auto [it, fresh] = by_policy_.try_emplace(key, nullptr);
  if (fresh) {
    rules_.push_back(make(policy, name));
    it->second = &rules_.back();
  }
  return *it->second;
}

int64_t RuleSet::longest_merge() const {
  int64_t most = 0;
  for (const auto& rule : rules_) most = std::max(most, rule.timing.merge_steps + rule.timing.min_steps);
  return most;
}

Rule RuleSet::make(const Policy& policy, const std::string& name) const {
  Rule rule;
  const auto sharing =
      static_cast<size_t>(std::count_if(calibration_.tasks.begin(), calibration_.tasks.end(),
                                        [&](const auto& task) { return shares_rate(task, policy); }));
  for (const auto& task : calibration_.tasks) rule.thresholds.push_back(threshold(task, policy, sharing));
  if (!calibration_.tasks.empty()) rule.timing = calibration_.tasks[0].timing;
  if (policy.min_duration_ms) rule.timing.min_steps = std::max<int64_t>(1, steps(*policy.min_duration_ms));
  if (policy.end_after_ms) rule.timing.end_steps = std::max<int64_t>(1, steps(*policy.end_after_ms));
  if (policy.merge_ms) rule.timing.merge_steps = steps(*policy.merge_ms);
  if (policy.cooldown_ms) rule.timing.cooldown_steps = steps(*policy.cooldown_ms);
  if (policy.max_duration_ms) rule.timing.max_steps = std::max<int64_t>(1, steps(*policy.max_duration_ms));
  rule.learning_steps = policy.learning_ms ? steps(*policy.learning_ms) : warm_steps_;
  rule.outage_steps = steps(policy.outage_ms.value_or(0));
  rule.fixed_severity = policy.severity && !policy.severity_auto.value_or(false);
  if (rule.fixed_severity) rule.severity = *policy.severity;
  rule.mute = policy.mute.value_or(false);
  rule.contacts = policy.contacts.value_or(std::vector<std::string>{});
  rule.policy = name;
  return rule;
}

// `sharing`: tasks that are on and have no rate or threshold of their own: together they raise no more than the rate.
Threshold RuleSet::threshold(const TaskCalibration& task, const Policy& policy, size_t sharing) const {
  if (const auto it = policy.thresholds.find(task.name); it != policy.thresholds.end()) {
    if (std::isinf(it->second)) return {};
    return threshold_at(task.thresholds, static_cast<float>(it->second));
  }
  const auto named = policy.task_rates.find(task.name);
  if (named == policy.task_rates.end() && !task.enabled) return {};
  const double rate = named != policy.task_rates.end()
                          ? named->second
                          : policy.false_alarms.value_or(task.default_rate) / static_cast<double>(sharing);
  if (rate <= 0) return {};  // no false alarm at all: never
  return threshold_for(task.thresholds, rate);
}

}  // namespace netflowgen::detect
