#include "detect/policy.h"

#include <functional>
#include <limits>

#include "base/file.h"

namespace netflowgen::detect {
namespace {

template <typename T>
void take(std::optional<T>& mine, const std::optional<T>& theirs) {
  if (theirs) mine = theirs;
}

// A host or prefix node lies in a prefix when all of it does.
bool lies_in(const std::optional<base::Prefix>& node, const base::Prefix& prefix) {
  return node && node->length >= prefix.length && prefix.contains(node->address);
}

}  // namespace

void Policy::inherit(const Policy& over) {
  take(false_alarms, over.false_alarms);
  // A rate for every task speaks for the tasks that a shorter prefix named, unless named again.
  if (over.false_alarms) {
    task_rates.clear();
    thresholds.clear();
  }
  for (const auto& [task, rate] : over.task_rates) {
    task_rates[task] = rate;
    thresholds.erase(task);
  }
  for (const auto& [task, threshold] : over.thresholds) {
    thresholds[task] = threshold;
    task_rates.erase(task);
  }
  take(min_duration_ms, over.min_duration_ms);
  take(end_after_ms, over.end_after_ms);
  take(merge_ms, over.merge_ms);
  take(cooldown_ms, over.cooldown_ms);
  take(max_duration_ms, over.max_duration_ms);
  take(learning_ms, over.learning_ms);
  take(outage_ms, over.outage_ms);
  take(mute, over.mute);
  take(severity_auto, over.severity_auto);
  take(severity, over.severity);
  take(contacts, over.contacts);
}

bool Maintenance::covers(base::TimeMs time) const {
  if (every_ms <= 0 || time < from_ms) return time >= from_ms && time < to_ms;
  return (time - from_ms) % every_ms < to_ms - from_ms;
}

Policies Policies::load(const std::string& path, const std::vector<std::string>& tasks) {
  return parse(base::read_file(path), path, tasks);
}

Policy Policies::resolve(std::string_view node, std::string& policy) const {
  Policy merged = defaults_;
  policy.clear();
  const auto place = prefix_of(node);
  for (const auto& p : policies_) {
    const bool applies = p.prefix ? lies_in(place, *p.prefix) : p.node == node;
    if (!applies) continue;
    merged.inherit(p);
    policy = p.name();
  }
  return merged;
}

std::vector<std::string> Policies::examples() const {
  std::vector<std::string> names;
  for (const auto& p : policies_) names.push_back(p.name());
  return names;
}

const Maintenance* Policies::maintenance(std::string_view node, base::TimeMs time) const {
  if (maintenance_.empty()) return nullptr;
  const auto place = prefix_of(node);
  for (const auto& m : maintenance_) {
    const bool applies = m.prefix ? lies_in(place, *m.prefix) : m.node.empty() || m.node == node;
    if (applies && m.covers(time)) return &m;
  }
  return nullptr;
}

std::optional<base::IpAddr> address_of(std::string_view node) {
  return base::IpAddr::parse(node.substr(0, node.find_first_of("/#")));
}

std::optional<base::Prefix> prefix_of(std::string_view node) {
  return base::Prefix::parse(node.substr(0, node.find('#')));
}

}  // namespace netflowgen::detect
