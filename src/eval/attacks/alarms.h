// From scores to what an operator feels: episodes of alarm, false ones per node-day, delay, traffic diverted.
// Definitions: docs/evaluation.md.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "detect/calibrate.h"
#include "detect/rule.h"
#include "eval/labels.h"

namespace netflowgen::eval {

// What alarms are judged against. Rows are those of `table` inside `period`.
struct Truth {
  enum Row : int32_t { kBenign = -1, kIgnored = -2 };  // else: index into `events`

  const FrameTable* table = nullptr;
  Period period;
  std::vector<Event> events;  // to be found
  std::vector<int32_t> rows;  // [rows]
  int64_t merge_gap_ms = 0;   // operating_curve: alarmed steps at most this far apart are one episode
  detect::Timing timing;      // judge_alerts: of the alerts
  int64_t lead_ms = 0;        // an alarm up to this long before the start finds the event
  int volume_feature = 0;     // what effectiveness and overhead are measured in
  double labelled_share = 1;  // of the node-days that can show a false alarm

  double node_days() const {
    return static_cast<double>(table->nodes.size()) * period.days() * labelled_share;
  }
};

struct Detection {
  int32_t event = 0;
  bool found = false;
  double delay_min = 0;      // first step with an alert up minus first step of the event; negative: early
  double duration_min = 0;   // a miss is censored here
  double effectiveness = 0;  // share of the event's traffic in and after that step
};

struct AlarmFigures {
  float threshold = 0;
  std::vector<detect::AlertSpan> alerts;  // raised in the period, by node, then time
  size_t episodes = 0;                    // their number
  size_t false_episodes = 0;              // those on benign rows only, long ones several times
  double false_per_node_day = 0;
  double recall = 0;                  // share of the events found
  std::vector<Detection> detections;  // one an event
  double median_delay_min = 0;        // misses are infinite; infinity when half are missed
  double median_delay_km_min = 0;     // Kaplan-Meier, misses censored at the event's end
  double restricted_delay_min = 0;    // mean of min(delay, duration): a miss costs its whole duration
  double effectiveness = 0;           // median over events; a miss is 0
  double mean_effectiveness = 0;
  double overhead = 0;  // benign traffic while an alert was up / traffic of all events
};

// `alerts` of the whole table, by node, then time. An alert is up from the step that raised it to its end.
// `threshold` is only kept.
AlarmFigures judge_alerts(const Truth& truth, std::span<const detect::AlertSpan> alerts, float threshold);

struct OperatingPoint {
  float threshold = 0;
  double false_per_node_day = 0;
  double recall = 0;
};
// Recall against false alarms as the threshold falls, at most `points` thresholds taken at score quantiles
// that are dense at the top.
std::vector<OperatingPoint> operating_curve(const Truth& truth, std::span<const float> scores, size_t points);

// The lowest threshold of the curve at which, and at all higher ones, false alarms stay within `rate`; above
// every score when none does.
OperatingPoint at_rate(std::span<const OperatingPoint> curve, double rate);

}  // namespace netflowgen::eval
