// Alerts and incidents read back: of JSON lines or an SQLite file of any format so far (docs/formats.md), for
// people and for feedback. Nothing here writes.
//
// Invariants: 1. Of several records of an id the last one counts. 2. What does not fit is refused with file,
// line and what is wrong; nothing of a library's own words. 3. Records of a newer format are refused.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/ip.h"
#include "base/time.h"
#include "detect/alert.h"
#include "detect/incident.h"

namespace netflowgen::detect {

// Error names `where`. parse_alert_record takes formats 1 and 2; features that this program does not know are
// left out.
Alert parse_alert_record(std::string_view json, const std::string& where);
Incident parse_incident_record(std::string_view json, const std::string& where);

// What a file knows of alerts: the last record of each, by start, then id.
struct AlertList {
  std::vector<Alert> alerts;
  std::vector<Incident> incidents;
  base::TimeMs last_ms = 0;  // of the latest record: what is up was up then
};

// A file of JSON lines or an SQLite file, told apart by its first bytes; "-": JSON lines from standard input.
// Error: it cannot be read, a line is no record.
AlertList read_alerts(const std::string& path);
AlertList read_alert_lines(std::istream& in, const std::string& where);

// Which alerts to show. Empty or unset: all.
struct AlertQuery {
  std::string node;                    // a node's name, or
  std::optional<base::Prefix> prefix;  // all nodes inside
  std::string type;
  std::optional<Severity> at_least;
  base::TimeMs from_ms = INT64_MIN;  // alerts that were up in [from, to)
  base::TimeMs to_ms = INT64_MAX;

  bool takes(const Alert& alert) const;
};

// The alert or incident whose id begins with `id`. Error: none, or several.
struct Found {
  const Alert* alert = nullptr;
  const Incident* incident = nullptr;
};
Found find_record(const AlertList& list, std::string_view id, const std::string& where);

}  // namespace netflowgen::detect
