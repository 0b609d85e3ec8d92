#include "eval/attacks/alarms.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/metrics.h"

namespace netflowgen::eval {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMinuteMs = 60'000;

double volume(const Truth& truth, size_t row) {
  const float v = truth.table->frame(row)[static_cast<size_t>(truth.volume_feature)];
  return std::isnan(v) ? 0 : v;
}

// Calls take(first_row, end_row) for each episode: rows of one node, alarmed at both ends, every gap between
// alarmed rows at most merge_gap_ms.
template <typename Take>
void for_episodes(const Truth& truth, std::span<const float> scores, float threshold, Take take) {
  const FrameTable& t = *truth.table;
  const int64_t gap_steps = truth.merge_gap_ms / t.step_ms;
  const int64_t from = base::step_of(truth.period.from_ms + t.step_ms - 1, t.step_ms);
  const int64_t to = base::step_of(truth.period.to_ms + t.step_ms - 1, t.step_ms);
  for (size_t node = 0; node < t.nodes.size(); ++node) {
    const size_t begin = t.lower_bound(node, from);
    const size_t end = t.lower_bound(node, to);
    size_t first = end;
    size_t last = end;
    for (size_t row = begin; row < end; ++row) {
      if (!(scores[row] >= threshold)) continue;
      if (first != end && t.steps[row] - t.steps[last] > gap_steps) {
        take(first, last + 1);
        first = end;
      }
      if (first == end) first = row;
      last = row;
    }
    if (first != end) take(first, last + 1);
  }
}

// An episode is false when all of its alarmed rows are benign: none in an event, in an event's lead, or
// ignored.
bool is_false(const Truth& truth, std::span<const float> scores, float threshold, size_t first, size_t end) {
  for (size_t row = first; row < end; ++row) {
    if (scores[row] >= threshold && truth.rows[row] != Truth::kBenign) return false;
  }
  return true;
}

// First row that alarms in [start - lead, end] of the event; SIZE_MAX: none.
size_t first_alarm(const Truth& truth, std::span<const float> scores, float threshold, const Event& event) {
  const FrameTable& t = *truth.table;
  const int64_t last = event.last_step(t.step_ms);
  const int64_t from = base::step_of(event.start_ms - truth.lead_ms, t.step_ms);
  for (size_t row = t.lower_bound(event.node, from); row < t.offsets[event.node + 1] && t.steps[row] <= last;
       ++row) {
    if (scores[row] >= threshold) return row;
  }
  return SIZE_MAX;
}

// First step in [start - lead, end] of the event with an alert of its node up; INT64_MAX: none.
int64_t first_up(const Truth& truth, std::span<const detect::AlertSpan> alerts, const Event& event) {
  const int64_t step_ms = truth.table->step_ms;
  const int64_t from = base::step_of(event.start_ms - truth.lead_ms, step_ms);
  int64_t first = INT64_MAX;
  for (const auto& a : alerts) {
    if (a.node != event.node) continue;
    for (const auto& [up, end] : a.ups) {
      if (up <= event.last_step(step_ms) && end > from) first = std::min(first, std::max(from, up));
    }
  }
  return first;
}

Detection detection_of(const Truth& truth, std::span<const detect::AlertSpan> alerts, size_t index) {
  const FrameTable& t = *truth.table;
  const Event& event = truth.events[index];
  Detection d;
  d.event = static_cast<int32_t>(index);
  d.duration_min = static_cast<double>(event.end_ms - event.start_ms) / kMinuteMs;
  const int64_t up = first_up(truth, alerts, event);
  if (up == INT64_MAX) return d;
  d.found = true;
  const int64_t start = event.first_step(t.step_ms);
  d.delay_min = static_cast<double>((up - start) * t.step_ms) / kMinuteMs;
  double all = 0;
  double after = 0;
  const int64_t last = event.last_step(t.step_ms);
  for (size_t row = t.lower_bound(event.node, start); row < t.offsets[event.node + 1] && t.steps[row] <= last;
       ++row) {
    all += volume(truth, row);
    if (t.steps[row] >= up) after += volume(truth, row);
  }
  d.effectiveness = all > 0 ? after / all : 0;
  return d;
}

bool is_false(const Truth& truth, const detect::AlertSpan& alert) {
  const size_t end = truth.table->lower_bound(alert.node, alert.end_step);
  for (size_t row = truth.table->lower_bound(alert.node, alert.start_step); row < end; ++row) {
    if (truth.rows[row] != Truth::kBenign) return false;
  }
  return true;
}

void summarize(AlarmFigures& f) {
  std::vector<double> delays;
  std::vector<double> effectiveness;
  std::vector<Lifetime> lifetimes;
  double found = 0;
  double restricted = 0;
  double effective = 0;
  for (const Detection& d : f.detections) {
    found += d.found ? 1 : 0;
    delays.push_back(d.found ? d.delay_min : kInfinity);
    restricted += d.found ? std::min(d.delay_min, d.duration_min) : d.duration_min;
    lifetimes.push_back({d.found ? d.delay_min : d.duration_min, d.found});
    effectiveness.push_back(d.effectiveness);
    effective += d.effectiveness;
  }
  const auto n = static_cast<double>(f.detections.size());
  f.recall = found / n;
  f.median_delay_min = quantile(std::move(delays), 0.5);
  f.median_delay_km_min = median_survival(kaplan_meier(std::move(lifetimes)));
  f.restricted_delay_min = restricted / n;
  f.effectiveness = quantile(std::move(effectiveness), 0.5);
  f.mean_effectiveness = effective / n;
}

// Rows with a lead are not benign for the false-alarm count.
Truth with_lead(const Truth& truth) {
  Truth t = truth;
  if (truth.lead_ms == 0) return t;
  for (const Event& e : truth.events) {
    const int64_t start = e.first_step(t.table->step_ms);
    for (size_t row = t.table->lower_bound(e.node, base::step_of(e.start_ms - t.lead_ms, t.table->step_ms));
         row < t.table->offsets[e.node + 1] && t.table->steps[row] < start; ++row) {
      if (t.rows[row] == Truth::kBenign) t.rows[row] = Truth::kIgnored;
    }
  }
  return t;
}

// Thresholds at which to judge: scores at ranks that grow by a constant ratio, highest first.
std::vector<float> thresholds(const Truth& truth, std::span<const float> scores, size_t points) {
  std::vector<float> sorted;
  for (size_t row = 0; row < scores.size(); ++row) {
    const TimeMs t = truth.table->steps[row] * truth.table->step_ms;
    if (truth.period.contains(t) && !std::isnan(scores[row])) sorted.push_back(scores[row]);
  }
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  std::vector<float> chosen;
  if (sorted.empty()) return chosen;
  const double ratio = std::pow(static_cast<double>(sorted.size()), 1.0 / static_cast<double>(points));
  double rank = 1;
  while (true) {
    const size_t at = std::min(sorted.size(), static_cast<size_t>(rank)) - 1;
    if (chosen.empty() || sorted[at] < chosen.back()) chosen.push_back(sorted[at]);
    if (at + 1 == sorted.size()) break;
    rank = std::max(rank * ratio, std::floor(rank) + 1);
  }
  return chosen;
}

}  // namespace

AlarmFigures judge_alerts(const Truth& truth, std::span<const detect::AlertSpan> alerts, float threshold) {
  AlarmFigures f;
  f.threshold = threshold;
  const Truth t = with_lead(truth);
  double diverted = 0;
  for (const auto& a : alerts) {
    const bool inside = t.period.contains(a.raised_step * t.table->step_ms);
    if (inside) f.alerts.push_back(a);
    if (inside && is_false(t, a)) f.false_episodes += detect::false_alarms_of(a, t.timing);
    for (const auto& [up, down] : a.ups) {
      const size_t end = t.table->lower_bound(a.node, down);
      for (size_t row = t.table->lower_bound(a.node, up); row < end; ++row) {
        if (t.rows[row] == Truth::kBenign) diverted += volume(t, row);
      }
    }
  }
  f.episodes = f.alerts.size();
  f.false_per_node_day = t.node_days() > 0 ? static_cast<double>(f.false_episodes) / t.node_days() : 0;
  double attack = 0;
  for (size_t row = 0; row < t.rows.size(); ++row) {
    if (t.rows[row] >= 0) attack += volume(t, row);
  }
  f.overhead = attack > 0 ? diverted / attack : 0;
  for (size_t i = 0; i < t.events.size(); ++i) f.detections.push_back(detection_of(t, alerts, i));
  if (!f.detections.empty()) summarize(f);
  return f;
}

std::vector<OperatingPoint> operating_curve(const Truth& truth, std::span<const float> scores,
                                            size_t points) {
  std::vector<OperatingPoint> curve;
  const Truth t = with_lead(truth);
  for (const float threshold : thresholds(t, scores, points)) {
    size_t wrong = 0;
    for_episodes(t, scores, threshold, [&](size_t first, size_t end) {
      wrong += is_false(t, scores, threshold, first, end) ? 1 : 0;
    });
    size_t found = 0;
    for (const Event& e : t.events) found += first_alarm(t, scores, threshold, e) != SIZE_MAX ? 1 : 0;
    curve.push_back(
        {threshold, t.node_days() > 0 ? static_cast<double>(wrong) / t.node_days() : 0,
         t.events.empty() ? 0 : static_cast<double>(found) / static_cast<double>(t.events.size())});
  }
  return curve;
}

OperatingPoint at_rate(std::span<const OperatingPoint> curve, double rate) {
  OperatingPoint best{std::numeric_limits<float>::infinity(), 0, 0};
  for (const OperatingPoint& p : curve) {
    if (p.false_per_node_day > rate) break;
    best = p;
  }
  return best;
}

}  // namespace netflowgen::eval
