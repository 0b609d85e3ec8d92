// What really happened on a simulated network, beside what the report suspects.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "detect/alert_record.h"

namespace netflowgen::report {

struct KnownAttack {
  std::string name;                // of the victim: an address, or the prefix of several
  std::vector<std::string> nodes;  // the victims
  std::string type;
  base::TimeMs start_ms = 0;  // [start, end)
  base::TimeMs end_ms = 0;
};

struct Truth {
  struct Row {
    KnownAttack attack;
    bool found = false;
    int64_t delay_ms = 0;  // from its start to the end of the step whose frame raised the alert; found only
  };
  std::vector<Row> rows;  // by start
  size_t found = 0;
  std::array<size_t, 4> false_alerts = {};  // by severity: those that overlap no attack on their node
  double node_days = 0;
  int64_t median_delay_ms = 0;  // of those found
};

// An attack is found by an alert on one of its nodes that overlaps it, a step's length at most after its end. All alerts count,
// suppressed ones of the time of learning too.
Truth compare(std::vector<KnownAttack> attacks, const detect::AlertList& alerts, int64_t step_ms,
              double node_days);

}  // namespace netflowgen::report
