// The policy file, strictly: every key is known, every value is in range, or the file is refused.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/time.h"
#include "detect/policy.h"

namespace netflowgen::detect {
namespace {

using base::kDayMs;
constexpr size_t kMaxEntries = 100'000;
constexpr int kMaxDepth = 16;
constexpr size_t kMaxBytes = size_t{16} << 20;

int depth_of(std::string_view yaml) {  // of flow brackets; indentation is bounded by the text's size squared
  int depth = 0;
  int most = 0;
  for (const char c : yaml) {
    if (c == '[' || c == '{') most = std::max(most, ++depth);
    if (c == ']' || c == '}') --depth;
  }
  return most;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

}  // namespace

class PolicyReader {
 public:
  PolicyReader(const std::string& where, const std::vector<std::string>& tasks)
      : where_(where), tasks_(tasks) {}

  Policies read(const YAML::Node& root) {
    Policies all;
    if (root.IsNull()) return all;
    keys(root, {"dry_run", "defaults", "policies", "maintenance"});
    if (const auto n = root["dry_run"]) all.dry_run_ = flag(n);
    if (const auto n = root["defaults"]) all.defaults_ = policy(n, false);
    for (const auto& n : list(root["policies"])) all.policies_.push_back(policy(n, true));
    for (const auto& n : list(root["maintenance"])) all.maintenance_.push_back(maintenance(n));
    std::stable_sort(all.policies_.begin(), all.policies_.end(),
                     [](const Policy& a, const Policy& b) { return rank(a) < rank(b); });
    return all;
  }

 private:
  // Node names stand above every prefix.
  static int rank(const Policy& p) { return p.prefix ? p.prefix->length : 1000; }

  [[noreturn]] void fail(const YAML::Node& n, const std::string& what) const {
    throw base::Error("{}, line {}: {}", where_, n.Mark().line + 1, what);
  }

  void keys(const YAML::Node& n, const std::vector<std::string>& known) const {
    if (!n.IsMap()) fail(n, "expected a map of settings");
    std::vector<std::string> seen;
    for (const auto& entry : n) {
      const std::string key = text(entry.first);
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        const std::string meant = nearest(key, known);
        fail(entry.first, fmt::format("unknown key '{}'{}", key,
                                      meant.empty() ? "; known: " + joined(known)
                                                    : fmt::format("; did you mean '{}'?", meant)));
      }
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        fail(entry.first, fmt::format("'{}' is given twice", key));
      }
      seen.push_back(key);
    }
  }

  std::vector<YAML::Node> list(const YAML::Node& n) const {
    if (!n || n.IsNull()) return {};
    if (!n.IsSequence()) fail(n, "expected a list ('- ...')");
    if (n.size() > kMaxEntries) fail(n, fmt::format("more than {} entries", kMaxEntries));
    return {n.begin(), n.end()};
  }

  std::string text(const YAML::Node& n) const {
    if (!n.IsScalar()) fail(n, "expected a single value");
    return n.Scalar();
  }

  bool flag(const YAML::Node& n) const {
    const std::string t = text(n);
    if (t == "true" || t == "yes" || t == "on") return true;
    if (t == "false" || t == "no" || t == "off") return false;
    fail(n, fmt::format("expected true or false, not '{}'", t));
  }

  double number(const YAML::Node& n, double low, double high) const {
    double x = 0;
    if (!n.IsScalar() || !YAML::convert<double>::decode(n, x) || !std::isfinite(x) || x < low || x > high) {
      fail(n, fmt::format("expected a number from {} to {}", low, high));
    }
    return x;
  }

  int64_t duration(const YAML::Node& n) const {
    const std::string t = text(n);
    const auto ms = base::parse_duration(t);
    if (!ms || *ms < 0 || *ms > 400 * kDayMs) {
      fail(n, fmt::format("expected a duration such as 90s, 5m or 2h, not '{}'", t));
    }
    return *ms;
  }

  base::TimeMs time(const YAML::Node& n) const {
    const auto t = base::parse_time(text(n));
    if (!t) fail(n, fmt::format("expected a time such as 2026-03-01T02:00:00Z, not '{}'", n.Scalar()));
    return *t;
  }

  base::Prefix prefix(const YAML::Node& n) const {
    const auto p = base::Prefix::parse(text(n));
    if (!p) fail(n, fmt::format("'{}' is not a prefix such as 192.0.2.0/24 or 2001:db8::/32", n.Scalar()));
    return *p;
  }

  void target(const YAML::Node& n, std::optional<base::Prefix>& in, std::string& node) const {
    if (n["prefix"] && n["node"]) fail(n, "give a prefix or a node, not both");
    if (n["prefix"]) in = prefix(n["prefix"]);
    if (n["node"]) node = text(n["node"]);
  }

  void task_known(const YAML::Node& key) const {
    const std::string task = text(key);
    if (std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end()) return;
    const std::string meant = nearest(task, tasks_);
    fail(key, fmt::format("the model has no task '{}'{}", task,
                          meant.empty() ? "; it has: " + joined(tasks_)
                                        : fmt::format("; did you mean '{}'?", meant)));
  }

  void rates(const YAML::Node& n, Policy& p) const {
    constexpr double kMost = 1440;
    if (!n.IsMap()) {
      p.false_alarms = number(n, 0, kMost);
      return;
    }
    for (const auto& entry : n) {
      task_known(entry.first);
      p.task_rates[text(entry.first)] = number(entry.second, 0, kMost);
    }
  }

  void thresholds(const YAML::Node& n, Policy& p) const {
    if (!n.IsMap()) fail(n, "expected a map of task to threshold");
    for (const auto& entry : n) {
      task_known(entry.first);
      const bool off = entry.second.IsScalar() && entry.second.Scalar() == "off";
      p.thresholds[text(entry.first)] =
          off ? std::numeric_limits<double>::infinity() : number(entry.second, -1e30, 1e30);
    }
  }

  void severity(const YAML::Node& n, Policy& p) const {
    const std::string t = text(n);
    p.severity_auto = t == "auto";
    if (t == "auto") return;
    for (const auto s : {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
      if (t == name_of(s)) p.severity = s;
    }
    if (!p.severity) fail(n, "expected severity auto, low, medium, high or critical");
  }

  Policy policy(const YAML::Node& n, bool targeted) const {
    std::vector<std::string> known = {"false_alarms", "thresholds", "min_duration", "end_after",
                                      "merge",        "cooldown",   "max_duration", "learning",
                                      "outage",       "mute",       "severity",     "contacts"};
    if (targeted) known.insert(known.end(), {"prefix", "node"});
    keys(n, known);
    Policy p;
    if (targeted) target(n, p.prefix, p.node);
    if (targeted && !p.prefix && p.node.empty()) fail(n, "a policy needs a prefix or a node");
    if (n["false_alarms"]) rates(n["false_alarms"], p);
    if (n["thresholds"]) thresholds(n["thresholds"], p);
    const auto length = [&](const char* key, std::optional<int64_t>& field) {
      if (n[key]) field = duration(n[key]);
    };
    length("min_duration", p.min_duration_ms);
    length("end_after", p.end_after_ms);
    length("merge", p.merge_ms);
    length("cooldown", p.cooldown_ms);
    length("max_duration", p.max_duration_ms);
    length("learning", p.learning_ms);
    if (const auto o = n["outage"]) p.outage_ms = text(o) == "off" ? 0 : duration(o);
    if (n["mute"]) p.mute = flag(n["mute"]);
    if (n["severity"]) severity(n["severity"], p);
    if (n["contacts"]) {
      p.contacts.emplace();
      for (const auto& c : list(n["contacts"])) p.contacts->push_back(text(c));
    }
    return p;
  }

  Maintenance maintenance(const YAML::Node& n) const {
    keys(n, {"prefix", "node", "from", "to", "every", "reason"});
    Maintenance m;
    target(n, m.prefix, m.node);
    if (!n["from"] || !n["to"]) fail(n, "a maintenance window needs from and to");
    m.from_ms = time(n["from"]);
    m.to_ms = time(n["to"]);
    if (m.to_ms <= m.from_ms) fail(n["to"], "a maintenance window ends after it begins");
    if (const auto e = n["every"]) {
      const std::string t = text(e);
      if (t != "day" && t != "week") fail(e, "expected every: day or every: week");
      m.every_ms = t == "day" ? kDayMs : 7 * kDayMs;
      if (m.to_ms - m.from_ms > m.every_ms) fail(e, "the window is longer than its period");
    }
    if (n["reason"]) m.reason = text(n["reason"]);
    return m;
  }

  const std::string& where_;
  const std::vector<std::string>& tasks_;
};

Policies Policies::parse(std::string_view yaml, const std::string& where,
                         const std::vector<std::string>& tasks) {
  if (yaml.size() > kMaxBytes) throw base::Error("{}: larger than {} MB", where, kMaxBytes >> 20);
  if (depth_of(yaml) > kMaxDepth) throw base::Error("{}: brackets are nested too deep", where);
  YAML::Node root;
  try {
    root = YAML::Load(std::string(yaml));
    return PolicyReader(where, tasks).read(root);
  } catch (const YAML::Exception& e) {
    throw base::Error("{}, line {}: not valid YAML: {}", where, e.mark.line + 1, e.msg);
  }
}

}  // namespace netflowgen::detect
