// Alerts and incidents for people: a table, one alert in three sentences, a page. Pure functions of what was
// read back (alert_record.h).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "detect/alert_record.h"

namespace netflowgen::detect {

// One row of a table: an alert, or an incident with its alerts folded into it.
struct AlertRow {
  const Alert* alert = nullptr;
  const Incident* incident = nullptr;
  base::TimeMs start_ms() const;
  const std::string& id() const;
};

// What `query` takes, by start. Unless `unfold`, alerts of an incident are left to the incident's row, which
// is shown where one of its alerts is taken.
std::vector<AlertRow> rows_of(const AlertList& list, const AlertQuery& query, bool unfold);

// Columns: start, id, node, type, severity, duration, filter. `now_ms`: time of the latest record, for what
// is up.
std::string alert_table(std::span<const AlertRow> rows, base::TimeMs now_ms);

// What it is, since when, what drove it and what could be filtered, then the commands. Ends in a newline.
// `step_ms`: over how long volumes were counted, 0: not told.
std::string alert_story(const Alert& alert, base::TimeMs now_ms, int64_t step_ms = 0);
std::string incident_story(const Incident& incident, base::TimeMs now_ms);

// "packets_in was 21 k packets where 1 k packets (at most 1.5 k packets) is usual": the first of the alert's drivers; empty where it
// has none. `step_ms`: as above, "21 k packets in 20 s".
std::string driver_text(const Alert& alert, int64_t step_ms = 0);

// A self-contained HTML page: the table, and under each row its story. `title`: plain text.
std::string alert_page(std::span<const AlertRow> rows, base::TimeMs now_ms, std::string_view title);

// "18 min", "2 h 5 min", "3 d 4 h".
std::string duration_text(int64_t ms);
// "1.25 MB", "340 packets", "3.1 k flows", "0.45".
std::string quantity_text(double value, std::string_view unit);

}  // namespace netflowgen::detect
