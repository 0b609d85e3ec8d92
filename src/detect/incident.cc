#include "detect/incident.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "base/random.h"

namespace netflowgen::detect {
namespace {

constexpr unsigned kHostLength = 128;
constexpr std::string_view kUnknownType = "unknown";
constexpr std::string_view kOutageTask = "outage";

// Alerts of single hosts may join; outages are no attack.
std::optional<base::IpAddr> host_of(const Alert& alert) {
  if (!alert.incident.empty() || alert.task == kOutageTask) return std::nullopt;
  const auto prefix = prefix_of(alert.node);
  if (!prefix || prefix->length != kHostLength || alert.node.find('#') != std::string::npos)
    return std::nullopt;
  return prefix->address;
}

base::Prefix around(const base::IpAddr& host, unsigned length) {
  const unsigned in_128_bits = host.is_v4() ? 96 + length : length;
  return {base::mask(host, in_128_bits), static_cast<uint8_t>(in_128_bits)};
}

bool covers(const base::Prefix& prefix, const base::IpAddr& host) {
  return prefix.address.is_v4() == host.is_v4() && prefix.contains(host);
}

void sort_victims(Incident& incident) {
  std::sort(incident.victims.begin(), incident.victims.end(), [](const Victim& a, const Victim& b) {
    return std::tie(a.node, a.alert) < std::tie(b.node, b.alert);
  });
}

}  // namespace

std::string_view name_of(IncidentEvent event) {
  constexpr std::string_view kNames[] = {"raised", "updated", "ended"};
  return kNames[static_cast<size_t>(event)];
}

std::string incident_id(std::string_view prefix, std::string_view task, std::string_view type, int64_t step) {
  uint64_t h = base::mix64(static_cast<uint64_t>(step) ^ 0x696e63);
  for (const std::string_view part : {prefix, task, type}) {
    for (const char c : part) h = base::mix64(h ^ static_cast<uint8_t>(c));
    h = base::mix64(h ^ 0x100);
  }
  return fmt::format("{:016x}", h);
}

void IncidentTracker::update(int64_t step, std::span<Alert* const> alerts, std::vector<Incident>& changes) {
  if (options_.hosts == 0 || (alerts.empty() && open_.empty())) return;
  std::set<std::string> changed;
  refresh(alerts, changed);
  std::vector<Single> singles = singles_of(step, alerts);
  join(step, singles, changed);
  for (auto& incident : open_) {
    if (!changed.contains(incident.id)) continue;
    incident.event = IncidentEvent::kUpdated;
    incident.event_ms = (step + 1) * step_ms_;
    changes.push_back(incident);
  }
  for (const bool typed : {true, false}) {
    const size_t before = open_.size();
    form(step, singles, typed);
    join(step, singles, changed);  // alerts without a type, to what has just been found
    changes.insert(changes.end(), open_.begin() + static_cast<std::ptrdiff_t>(before), open_.end());
  }
  end(step, changes);
}

// What became of the alerts of open incidents. An alert that is gone has ended before.
void IncidentTracker::refresh(std::span<Alert* const> alerts, std::set<std::string>& changed) {
  if (open_.empty()) return;
  std::map<std::string_view, Incident*> by_id;
  for (auto& incident : open_) {
    by_id[incident.id] = &incident;
    incident.up = 0;
  }
  for (const Alert* a : alerts) {
    const auto it = by_id.find(a->incident);
    if (it == by_id.end()) continue;
    Incident& incident = *it->second;
    a->end_ms == 0 ? void(++incident.up)
                   : void(incident.last_end_ms = std::max(incident.last_end_ms, a->end_ms));
    for (auto& v : incident.victims) {
      if (v.alert != a->id) continue;
      v.severity = a->severity;
      v.end_ms = a->end_ms;
    }
    if (a->severity <= incident.severity) continue;
    incident.severity = a->severity;
    changed.insert(incident.id);
  }
}

// Whether as many of its hosts as form an incident were alerted of late. A single alert now and then, as a prefix of many hosts has
// them, would keep one open for ever.
bool IncidentTracker::lasts(int64_t step, const Incident& incident) const {
  const auto late = [&](const Victim& v) {
    return recent(step, v.start_ms) || (v.end_ms != 0 && recent(step, v.end_ms));
  };
  const auto up = static_cast<size_t>(std::ranges::count(incident.victims, 0, &Victim::end_ms));
  const auto of_late = static_cast<size_t>(std::ranges::count_if(incident.victims, late));
  return std::max(up, of_late) >= options_.hosts || (incident.hosts > kListedHosts && incident.up > 0);
}

std::vector<IncidentTracker::Single> IncidentTracker::singles_of(int64_t step,
                                                                 std::span<Alert* const> alerts) const {
  std::vector<Single> singles;
  for (Alert* a : alerts) {
    if (!recent(step, a->raised_ms)) continue;
    if (const auto host = host_of(*a)) singles.push_back({a, *host});
  }
  return singles;
}

namespace {

// Which of some incidents may cover a host, in a look-up a length of prefix: hundreds of incidents are open where tens of thousands
// of hosts have alerts.
class ByPrefix {
 public:
  explicit ByPrefix(const std::vector<Incident>& incidents) {
    for (size_t i = 0; i < incidents.size(); ++i)
      lengths_[incidents[i].prefix.length][incidents[i].prefix.address].push_back(i);
  }
  // Ascending.
  void find(const base::IpAddr& host, std::vector<size_t>& found) const {
    found.clear();
    for (const auto& [length, prefixes] : lengths_) {
      const auto it = prefixes.find(base::mask(host, length));
      if (it != prefixes.end()) found.insert(found.end(), it->second.begin(), it->second.end());
    }
    std::sort(found.begin(), found.end());
  }

 private:
  std::map<unsigned, std::unordered_map<base::IpAddr, std::vector<size_t>>> lengths_;
};

}  // namespace

// New alerts of a prefix with an open incident of the same task and type. Where the type is not known yet,
// the incident's is the best guess; within a carpet bombing too, of which each host sees a part.
void IncidentTracker::join(int64_t step, std::vector<Single>& singles, std::set<std::string>& changed) {
  if (open_.empty()) return;
  const ByPrefix by_prefix(open_);
  std::vector<size_t> near;
  for (bool again = true;
       again;) {  // what becomes a carpet bombing takes alerts that were passed over before
    again = false;
    for (const Single& s : singles) {
      if (!s.free()) continue;
      by_prefix.find(s.host, near);
      const auto i = std::ranges::find_if(near, [&](size_t n) { return takes(step, open_[n], s); });
      if (i == near.end()) continue;
      Incident& incident = open_[*i];
      const bool carpet = incident.hosts >= kCarpetHosts;
      take(incident, *s.alert);
      again = again || (!carpet && incident.hosts >= kCarpetHosts);
      changed.insert(incident.id);
    }
  }
  std::erase_if(singles, [](const Single& s) { return !s.free(); });
}

bool IncidentTracker::takes(int64_t step, const Incident& incident, const Single& single) const {
  const Alert& a = *single.alert;
  const bool same =
      incident.task == a.task &&
      (incident.type == a.guess.type || a.guess.type == kUnknownType || incident.hosts >= kCarpetHosts);
  return same && covers(incident.prefix, single.host) && lasts(step, incident);
}

void IncidentTracker::form(int64_t step, std::vector<Single>& singles, bool typed) {
  auto lengths4 = options_.ipv4;
  auto lengths6 = options_.ipv6;
  std::sort(lengths4.rbegin(), lengths4.rend());
  std::sort(lengths6.rbegin(), lengths6.rend());
  for (size_t i = 0; i < std::max(lengths4.size(), lengths6.size()); ++i) {
    std::map<Group, std::vector<Alert*>> groups;
    for (const auto& [a, host] : singles) {
      if (!a->incident.empty() || typed == (a->guess.type == kUnknownType)) continue;
      const auto& lengths = host.is_v4() ? lengths4 : lengths6;
      if (i < lengths.size()) groups[{a->task, a->guess.type, around(host, lengths[i])}].push_back(a);
    }
    // The largest first: smaller ones may be a part of it.
    std::vector<std::pair<Group, std::vector<Alert*>>> ordered(groups.begin(), groups.end());
    std::ranges::stable_sort(ordered, std::greater<>(), [](const auto& g) { return g.second.size(); });
    for (const auto& [group, members] : ordered) {
      if (members.size() < options_.hosts) continue;
      if (std::ranges::any_of(members, [](const Alert* a) { return !a->incident.empty(); })) continue;
      Incident incident;
      incident.id = incident_id(group.prefix.to_string(), group.task, group.type, step);
      incident.prefix = group.prefix;
      incident.task = group.task;
      incident.type = group.type;
      incident.start_ms = members[0]->start_ms;
      incident.raised_ms = incident.event_ms = (step + 1) * step_ms_;
      incident.suppressed = members[0]->suppressed;
      incident.severity = members[0]->severity;
      for (Alert* a : members) take(incident, *a);
      open_.push_back(std::move(incident));
      std::set<std::string> ignored;  // it is new itself
      if (open_.back().hosts >= kCarpetHosts) join(step, singles, ignored);
    }
  }
}

void IncidentTracker::take(Incident& incident, Alert& alert) {
  alert.incident = incident.id;
  const bool again = std::any_of(incident.victims.begin(), incident.victims.end(),
                                 [&](const Victim& v) { return v.node == alert.node; });
  if (!again) ++incident.hosts;
  alert.end_ms == 0 ? void(++incident.up)
                    : void(incident.last_end_ms = std::max(incident.last_end_ms, alert.end_ms));
  incident.start_ms = std::min(incident.start_ms, alert.start_ms);
  incident.severity = std::max(incident.severity, alert.severity);
  if (alert.sent()) incident.suppressed = Suppression::kNone;
  if (incident.victims.size() >= kListedHosts) return;
  incident.victims.push_back({alert.node, alert.id, alert.severity, alert.start_ms, alert.end_ms});
  sort_victims(incident);
}

void IncidentTracker::end(int64_t step, std::vector<Incident>& changes) {
  const base::TimeMs now = (step + 1) * step_ms_;
  std::erase_if(open_, [&](Incident& incident) {
    if (incident.up > 0 || now - incident.last_end_ms <= (merge_steps_ + 1) * step_ms_) return false;
    incident.event = IncidentEvent::kEnded;
    incident.event_ms = now;
    incident.end_ms = incident.last_end_ms;
    changes.push_back(incident);
    return true;
  });
}

void IncidentTracker::set_filter(const std::string& id, std::optional<Filter> filter) {
  for (auto& incident : open_) {
    if (incident.id != id) continue;
    incident.filter = std::move(filter);
    return;
  }
}

}  // namespace netflowgen::detect
