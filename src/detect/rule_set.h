// Calibration and policies -> the rule of each node. Rules are shared by nodes with the same policy.
//
// Everything that could be wrong with a policy is found when the set is made, not at a node's first flow.
// Not thread-safe: rule() remembers.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "detect/calibration.h"
#include "detect/policy.h"
#include "detect/rule.h"

namespace netflowgen::detect {

class RuleSet {
 public:
  // `warm_steps`: learning time where no policy sets one, e.g. the model's window.
  // Error: a policy asks for fewer false alarms than validation could calibrate.
  RuleSet(Policies policies, Calibration calibration, int64_t step_ms, int64_t warm_steps);

  // Stays valid as long as the set.
  const Rule& rule(std::string_view node);

  const Policies& policies() const { return policies_; }
  const Calibration& calibration() const { return calibration_; }
  int64_t step_ms() const { return step_ms_; }
  int64_t warm_steps() const { return warm_steps_; }
  // Steps after an alert's end in which it may be resumed, at most, over all rules.
  int64_t longest_merge() const;

 private:
  Rule make(const Policy& policy, const std::string& name) const;
  Threshold threshold(const TaskCalibration& task, const Policy& policy, size_t sharing) const;
  int64_t steps(int64_t ms) const { return (ms + step_ms_ - 1) / step_ms_; }

  Policies policies_;
  Calibration calibration_;
  int64_t step_ms_;
  int64_t warm_steps_;
  std::deque<Rule> rules_;
  std::unordered_map<std::string, const Rule*> by_policy_;
};

}  // namespace netflowgen::detect
