// The policy file, strictly: every key is known, every value is in range, or the file is refused.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/time.h"
#include "base/words.h"
#include "base/yaml.h"
#include "detect/policy.h"

namespace netflowgen::detect {
namespace {

using base::kDayMs;
using Yaml = base::YamlValue;
constexpr size_t kMaxEntries = 100'000;
constexpr size_t kMaxLengths = 8;

}  // namespace

class PolicyReader {
 public:
  explicit PolicyReader(const std::vector<std::string>& tasks) : tasks_(tasks) {}

  Policies read(const Yaml& root) {
    Policies all;
    if (root.null()) return all;
    root.keys({"dry_run", "defaults", "policies", "maintenance", "incidents"});
    if (const auto n = root["dry_run"]) all.dry_run_ = n.flag();
    if (const auto n = root["defaults"]) all.defaults_ = policy(n, false);
    if (const auto n = root["incidents"]) all.incidents_ = incidents(n);
    for (const auto& n : list(root["policies"])) all.policies_.push_back(policy(n, true));
    for (const auto& n : list(root["maintenance"])) all.maintenance_.push_back(maintenance(n));
    std::stable_sort(all.policies_.begin(), all.policies_.end(),
                     [](const Policy& a, const Policy& b) { return rank(a) < rank(b); });
    return all;
  }

 private:
  // Node names take precedence over every prefix.
  static int rank(const Policy& p) { return p.prefix ? p.prefix->length : 1000; }

  static std::vector<Yaml> list(const Yaml& n) {
    if (!n || n.null()) return {};
    if (!n.list()) n.fail("expected a list ('- ...')");
    auto items = n.items();
    if (items.size() > kMaxEntries) n.fail("more than {} entries", kMaxEntries);
    return items;
  }

  double number(const Yaml& n, double low, double high) const {
    const auto x = n.as<double>(fmt::format("a number from {} to {}", low, high));
    if (!std::isfinite(x) || x < low || x > high) n.fail("expected a number from {} to {}", low, high);
    return x;
  }

  int64_t duration(const Yaml& n) const {
    const std::string t = n.text();
    const auto ms = base::parse_duration(t);
    if (!ms || *ms < 0 || *ms > 400 * kDayMs) {
      n.fail("expected a duration such as 90s, 5m or 2h, not '{}'", t);
    }
    return *ms;
  }

  base::TimeMs time(const Yaml& n) const {
    const auto t = base::parse_time(n.text());
    if (!t) n.fail("expected a time such as 2026-03-01T02:00:00Z, not '{}'", n.text());
    return *t;
  }

  base::Prefix prefix(const Yaml& n) const {
    const auto p = base::Prefix::parse(n.text());
    if (!p) n.fail("'{}' is not a prefix such as 192.0.2.0/24 or 2001:db8::/32", n.text());
    return *p;
  }

  void target(const Yaml& n, std::optional<base::Prefix>& in, std::string& node) const {
    if (n["prefix"] && n["node"]) n.fail("give a prefix or a node, not both");
    if (n["prefix"]) in = prefix(n["prefix"]);
    if (n["node"]) node = n["node"].text();
  }

  void task_known(const Yaml& key) const {
    const std::string task = key.text();
    if (std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end()) return;
    key.fail("the model has no task '{}'{}", task, base::suggestion(task, tasks_));
  }

  void rates(const Yaml& n, Policy& p) const {
    constexpr double kMost = 1440;
    if (!n.map()) {
      p.false_alarms = number(n, 0, kMost);
      return;
    }
    for (const auto& [key, value] : n.entries()) {
      task_known(key);
      p.task_rates[key.text()] = number(value, 0, kMost);
    }
  }

  void thresholds(const Yaml& n, Policy& p) const {
    if (!n.map()) n.fail("expected a map of task to threshold");
    for (const auto& [key, value] : n.entries()) {
      task_known(key);
      const bool off = value.scalar() && value.text() == "off";
      p.thresholds[key.text()] = off ? std::numeric_limits<double>::infinity() : number(value, -1e30, 1e30);
    }
  }

  void severity(const Yaml& n, Policy& p) const {
    const std::string t = n.text();
    p.severity_auto = t == "auto";
    if (t == "auto") return;
    for (const auto s : {Severity::kLow, Severity::kMedium, Severity::kHigh, Severity::kCritical}) {
      if (t == name_of(s)) p.severity = s;
    }
    if (!p.severity) n.fail("expected severity auto, low, medium, high or critical");
  }

  Policy policy(const Yaml& n, bool targeted) const {
    std::vector<std::string> known = {"false_alarms", "thresholds", "min_duration", "end_after",
                                      "merge",        "cooldown",   "max_duration", "learning",
                                      "outage",       "mute",       "severity",     "contacts"};
    if (targeted) known.insert(known.end(), {"prefix", "node"});
    n.keys(known);
    Policy p;
    if (targeted) target(n, p.prefix, p.node);
    if (targeted && !p.prefix && p.node.empty()) n.fail("a policy needs a prefix or a node");
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
    if (const auto o = n["outage"]) p.outage_ms = o.text() == "off" ? 0 : duration(o);
    if (n["mute"]) p.mute = n["mute"].flag();
    if (n["severity"]) severity(n["severity"], p);
    if (n["contacts"]) {
      p.contacts.emplace();
      for (const auto& c : list(n["contacts"])) p.contacts->push_back(c.text());
    }
    return p;
  }

  std::vector<unsigned> prefix_lengths(const Yaml& n, unsigned most) const {
    std::vector<unsigned> lengths;
    for (const auto& length : list(n)) {
      const double x = number(length, 1, most);
      if (x != std::floor(x)) length.fail("a prefix length has no fraction");
      lengths.push_back(static_cast<unsigned>(x));
    }
    if (lengths.size() > kMaxLengths) n.fail("more than {} prefix lengths", kMaxLengths);
    return lengths;
  }

  IncidentOptions incidents(const Yaml& n) const {
    IncidentOptions o;
    if (n.scalar()) {
      if (n.text() != "off") n.fail("expected incidents: off, or a map of settings");
      o.hosts = 0;
      return o;
    }
    n.keys({"ipv4", "ipv6", "hosts", "within"});
    if (n["ipv4"]) o.ipv4 = prefix_lengths(n["ipv4"], 31);
    if (n["ipv6"]) o.ipv6 = prefix_lengths(n["ipv6"], 127);
    if (n["hosts"]) o.hosts = static_cast<size_t>(number(n["hosts"], 2, 1e6));
    if (n["within"]) o.within_ms = duration(n["within"]);
    return o;
  }

  Maintenance maintenance(const Yaml& n) const {
    n.keys({"prefix", "node", "from", "to", "every", "reason"});
    Maintenance m;
    target(n, m.prefix, m.node);
    if (!n["from"] || !n["to"]) n.fail("a maintenance window needs from and to");
    m.from_ms = time(n["from"]);
    m.to_ms = time(n["to"]);
    if (m.to_ms <= m.from_ms) n["to"].fail("a maintenance window ends after it begins");
    if (const auto e = n["every"]) {
      const std::string t = e.text();
      if (t != "day" && t != "week") e.fail("expected every: day or every: week");
      m.every_ms = t == "day" ? kDayMs : 7 * kDayMs;
      if (m.to_ms - m.from_ms > m.every_ms) e.fail("the window is longer than its period");
    }
    if (n["reason"]) m.reason = n["reason"].text();
    return m;
  }

  const std::vector<std::string>& tasks_;
};

Policies Policies::parse(std::string_view yaml, const std::string& where,
                         const std::vector<std::string>& tasks) {
  return PolicyReader(tasks).read(Yaml::parse(std::string(yaml), where));
}

}  // namespace netflowgen::detect
