// Policies: what the operator wants of which nodes. One YAML file, read once, then constant.
//
// docs/detection.md shows the file. Unknown keys are refused with the nearest known one, so that a typing
// error cannot silence an alarm. Fields are taken from the longest matching prefix that sets them; a policy
// for a node by name beats every prefix.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "detect/rule.h"

namespace netflowgen::detect {

// One entry; what is not set is inherited.
struct Policy {
  std::optional<base::Prefix> prefix;
  std::string node;                          // instead of a prefix: a node's exact name
  std::optional<double> false_alarms;        // per node-day, for every task
  std::map<std::string, double> task_rates;  // ditto of one task
  std::map<std::string, double> thresholds;  // a score instead of a rate; infinity: off
  std::optional<int64_t> min_duration_ms;
  std::optional<int64_t> end_after_ms;
  std::optional<int64_t> merge_ms;
  std::optional<int64_t> cooldown_ms;
  std::optional<int64_t> max_duration_ms;
  std::optional<int64_t> learning_ms;
  std::optional<int64_t> outage_ms;  // 0: no outage alerts
  std::optional<bool> mute;
  std::optional<bool> severity_auto;
  std::optional<Severity> severity;
  std::optional<std::vector<std::string>> contacts;

  std::string name() const { return prefix ? prefix->to_string() : node; }
  // What is set in `over` wins.
  void inherit(const Policy& over);
};

// A time in which alerts of the nodes are suppressed.
struct Maintenance {
  std::optional<base::Prefix> prefix;  // neither: every node
  std::string node;
  base::TimeMs from_ms = 0;
  base::TimeMs to_ms = 0;
  int64_t every_ms = 0;  // 0: once; else repeated: a day or a week
  std::string reason;

  bool covers(base::TimeMs time) const;
};

// What makes alerts of hosts one incident (incident.h).
struct IncidentOptions {
  std::vector<unsigned> ipv4 = {24};  // prefix lengths, tried from the longest
  std::vector<unsigned> ipv6 = {64};
  size_t hosts = 3;  // alerted within `within_ms` of each other; 0: no incidents
  int64_t within_ms = 10 * 60'000;
  bool operator==(const IncidentOptions&) const = default;
};

class Policies {
 public:
  Policies() = default;
  // Error names `where` and the line: not YAML, an unknown key or task, a value out of range.
  // `tasks` are the names that thresholds may name.
  static Policies parse(std::string_view yaml, const std::string& where,
                        const std::vector<std::string>& tasks);
  static Policies load(const std::string& path, const std::vector<std::string>& tasks);

  // All that applies to the node, shortest prefix first merged into one; `policy` gets the name of the most
  // specific entry.
  Policy resolve(std::string_view node, std::string& policy) const;
  // The maintenance that holds the node's alerts back at `time`, or nullptr.
  const Maintenance* maintenance(std::string_view node, base::TimeMs time) const;

  bool dry_run() const { return dry_run_; }
  const IncidentOptions& incidents() const { return incidents_; }
  void set_dry_run() { dry_run_ = true; }
  // A node's name for each entry, to which it is the most specific one.
  std::vector<std::string> examples() const;

 private:
  friend class PolicyReader;
  bool dry_run_ = false;
  IncidentOptions incidents_;
  Policy defaults_;
  std::vector<Policy> policies_;  // by prefix length, then in file order
  std::vector<Maintenance> maintenance_;
};

// The address that a node's name begins with: "192.0.2.1", "192.0.2.0/24", "192.0.2.254#7". nullopt: none.
std::optional<base::IpAddr> address_of(std::string_view node);
// The prefix that a node's name means; a host's has 128 bits.
std::optional<base::Prefix> prefix_of(std::string_view node);

}  // namespace netflowgen::detect
