// Many hosts of one prefix, alerted together for the same thing, are one incident: a carpet bombing over a
// /24 is one event to an operator, whatever number of alerts it raises.
//
//   for each step, after all tracks of it: update() with every alert that is up or could still be resumed.
//
// Invariants: 1. No clock; the outcome depends on the alerts and steps alone. 2. `id` depends on task, type,
// prefix and the step that raised it. 3. An incident is raised once, updated any number of times and ended
// once. 4. An alert belongs to at most one incident, for good. 5. Memory: open incidents; hosts beyond
// kListedHosts are counted, not listed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "detect/alert.h"
#include "detect/filter.h"
#include "detect/policy.h"
#include "detect/rule.h"

namespace netflowgen::detect {

enum class IncidentEvent : uint8_t { kRaised, kUpdated, kEnded };
std::string_view name_of(IncidentEvent event);  // "raised", "updated", "ended"

struct Victim {
  std::string node;
  std::string alert;  // its id
  Severity severity = Severity::kLow;
  base::TimeMs start_ms = 0;
  base::TimeMs end_ms = 0;  // 0: up
  bool operator==(const Victim&) const = default;
};

inline constexpr size_t kListedHosts = 256;
inline constexpr uint64_t kCarpetHosts = 8;  // an incident of as many is called a carpet bombing

struct Incident {
  std::string id;  // 16 hex digits
  IncidentEvent event = IncidentEvent::kRaised;
  base::Prefix prefix;
  std::string task;
  std::string type;
  Severity severity = Severity::kLow;  // the most severe of its alerts
  base::TimeMs start_ms = 0;           // the earliest of its alerts
  base::TimeMs raised_ms = 0;
  base::TimeMs event_ms = 0;
  base::TimeMs end_ms = 0;                      // the latest of its alerts; 0 while one is up
  Suppression suppressed = Suppression::kNone;  // of its first alert; none where one alert is sent
  uint64_t hosts = 0;
  uint64_t up = 0;               // alerts that are up
  base::TimeMs last_end_ms = 0;  // of alerts that have ended
  std::vector<Victim> victims;   // by node; the first kListedHosts that joined
  std::optional<Filter> filter;  // for the prefix
  bool operator==(const Incident&) const = default;
};

std::string incident_id(std::string_view prefix, std::string_view task, std::string_view type, int64_t step);

class IncidentTracker {
 public:
  IncidentTracker() = default;
  // `merge_steps`: an incident ends when none of its alerts can be resumed any more.
  IncidentTracker(IncidentOptions options, int64_t step_ms, int64_t merge_steps)
      : options_(std::move(options)), step_ms_(step_ms), merge_steps_(merge_steps) {}

  // `alerts`: by node, then task. Sets Alert::incident of those that join one, and appends what changed.
  void update(int64_t step, std::span<Alert* const> alerts, std::vector<Incident>& changes);

  bool busy() const { return !open_.empty(); }
  const std::vector<Incident>& open() const { return open_; }
  void set_filter(const std::string& id, std::optional<Filter> filter);

 private:
  friend class DetectorState;
  struct Group {  // hosts alerted for the same thing
    std::string task;
    std::string type;
    base::Prefix prefix;
    auto operator<=>(const Group&) const = default;
  };

  struct Single {  // an alert of late of one host
    Alert* alert;
    base::IpAddr host;
    bool free() const { return alert->incident.empty(); }
  };

  std::vector<Single> singles_of(int64_t step, std::span<Alert* const> alerts) const;
  void refresh(std::span<Alert* const> alerts, std::set<std::string>& changed);
  // Those that have an incident by then leave `singles`.
  void join(int64_t step, std::vector<Single>& singles, std::set<std::string>& changed);
  bool takes(int64_t step, const Incident& incident, const Single& single) const;
  void form(int64_t step, std::vector<Single>& singles, bool typed);
  void end(int64_t step, std::vector<Incident>& changes);
  void take(Incident& incident, Alert& alert);
  bool lasts(int64_t step, const Incident& incident) const;
  bool recent(int64_t step, base::TimeMs time) const {
    return (step + 1) * step_ms_ - time <= options_.within_ms;
  }

  IncidentOptions options_;
  int64_t step_ms_ = 60'000;
  int64_t merge_steps_ = 10;
  std::vector<Incident> open_;  // in the order of raising
};

}  // namespace netflowgen::detect
