// What an operator sees: one node, one type, a start, an end, evidence. docs/detection.md explains it,
// docs/formats.md has its JSON.
//
// Invariants: 1. `id` depends on node, task and the step that raised it alone, so that it is the same on
// every replay. 2. Plain data.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detect/filter.h"
#include "detect/flow_sample.h"
#include "detect/rule.h"

namespace netflowgen::detect {

// kGrouped: the alert became part of an incident (incident.h). kUpdated: an early alert's step has ended and bears it out.
enum class AlertEvent : uint8_t { kRaised, kEscalated, kResumed, kEnded, kGrouped, kUpdated };
std::string_view name_of(AlertEvent event);  // "raised", ...

// One feature of the node when the alert was at its height.
struct Driver {
  int feature = 0;      // series::FeatureIndex
  double expected = 0;  // in the feature's unit; NaN: nothing was expected yet
  double upper = 0;     // the band's top; NaN where the model forecasts no band
  double seen = 0;
  double bits = 0;        // surprise of the next-step head
  bool forecast = false;  // expected is the model's forecast, else the node's own usual value
  bool operator==(const Driver&) const = default;
};

struct AttackGuess {
  std::string type;  // "syn_flood", ..., "unknown"
  double probability = 0;
  bool by_model = false;  // by a classes head; else by the rule of attack_type.h
  bool operator==(const AttackGuess&) const = default;
};

struct Alert {
  std::string id;  // 16 hex digits
  AlertEvent event = AlertEvent::kRaised;
  std::string node;
  std::string task;
  AttackGuess guess;
  base::TimeMs start_ms = 0;   // of the first suspicious step
  base::TimeMs raised_ms = 0;  // end of the step whose frame raised it: when it could be known
  base::TimeMs event_ms = 0;   // end of the step that this record is about
  base::TimeMs end_ms = 0;     // end of the last suspicious step; 0 while it lasts
  Severity severity = Severity::kLow;
  // How many times what was expected came, at most, in a volume that is above its band; 0: none is. NaN:
  // nothing was expected yet.
  double times_expected = std::numeric_limits<double>::quiet_NaN();
  double peak = 0;       // highest score
  double threshold = 0;  // that the score passed
  Suppression suppressed = Suppression::kNone;
  std::string reason;  // of the maintenance window
  std::string policy;
  std::vector<std::string> contacts;
  std::vector<Driver> drivers;  // most surprising first
  std::optional<FlowEvidence> flows;
  std::optional<Filter> filter;
  std::string incident;  // its id; "": none
  bool early = false;    // raised while its step was still open; raised_ms is then the time of that

  bool sent() const { return suppressed == Suppression::kNone; }
};

std::string alert_id(std::string_view node, std::string_view task, int64_t raised_step);

struct Incident;  // incident.h

// Of the records below. 1, without this key: no incidents, `held_back` for `suppressed`, one text for
// FlowSpec.
inline constexpr int kAlertFormat = 2;

// One line of JSON with a newline.
std::string to_json_line(const Alert& alert);
std::string to_json_line(const Incident& incident);

// What feedback and stores read back of a record.
struct AlertKey {
  std::string id;
  std::string node;
  std::string task;
  std::string type;
  base::TimeMs start_ms = 0;
  base::TimeMs raised_ms = 0;
  base::TimeMs event_ms = 0;
  base::TimeMs end_ms = 0;  // 0: none
};
// Error names `where`: not an alert record. In alert_record.cc.
AlertKey parse_alert(std::string_view json, const std::string& where);

}  // namespace netflowgen::detect
