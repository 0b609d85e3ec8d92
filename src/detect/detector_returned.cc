// DetectorState: alerts that come back from a file after the program was killed, and early ones over a reload.
#include <algorithm>
#include <cmath>

#include "base/time.h"
#include "detect/detector_state.h"
#include "infer/engine.h"

namespace netflowgen::detect {
namespace {

constexpr std::string_view kOutage = "outage";
constexpr int64_t kMostSteps = 100'000;  // between an alert's first step and the one that raised it

}  // namespace

void DetectorState::move_early(Detector& from, Detector& to) { to.early_.merge(from.early_); }

std::vector<Alert> DetectorState::alerts(const Detector& d) {
  std::vector<Alert> all;
  for (const auto& [key, live] : d.live_) {
    for (const auto& task : live.tasks) {
      if (task.alert != nullptr) all.push_back(*task.alert);
    }
  }
  for (const auto& [key, alert] : d.outages_) all.push_back(*alert);
  for (const auto& [key, early] : d.early_) all.push_back(early.alert);
  return all;
}

const std::vector<Incident>& DetectorState::incidents(const Detector& detector) {
  return detector.incidents_.open();
}

std::optional<size_t> DetectorState::task_of(const Detector& detector, const Alert& alert) {
  const auto& tasks = detector.rules_.calibration().tasks;
  for (size_t t = 0; t < tasks.size(); ++t) {
    if (tasks[t].name == alert.task) return t;
  }
  return std::nullopt;
}

bool DetectorState::knows_task(const Detector& detector, const Alert& alert) {
  return alert.task == kOutage || task_of(detector, alert).has_value();
}

// An early alert's times do not tell its step, but its id does.
int64_t DetectorState::raised_step_of(const Detector& detector, const Alert& alert) {
  const int64_t first = base::step_of(alert.start_ms, detector.rules_.step_ms());
  const int64_t last = base::step_of(alert.raised_ms - 1, detector.rules_.step_ms());
  for (int64_t step = first; step <= last && step - first < kMostSteps; ++step) {
    if (alert_id(alert.node, alert.task, step) == alert.id) return step;
  }
  return last;
}

bool DetectorState::take_back(Detector& d, int64_t step, const Alert& alert) {
  const uint64_t key = infer::node_key(alert.node);
  if (alert.task == kOutage) {
    if (alert.end_ms == 0) d.outages_.try_emplace(key, std::make_unique<Alert>(alert));
    return true;
  }
  const int64_t raised = raised_step_of(d, alert);
  if (raised > step) return false;
  const size_t task = task_of(d, alert).value();
  if (raised == step && alert.early &&
      alert.end_ms == 0) {  // its step ends only now, and bears it out or not
    d.early_[{key, task}] = {step, alert};
    return true;
  }
  auto& live = d.live_[key];
  if (live.tasks.empty()) {
    live.name = alert.node;
    live.rule = &d.rules_.rule(alert.node);
    live.tasks.resize(live.rule->thresholds.size());
  }
  auto& at = live.tasks[task];
  const bool same = at.alert != nullptr && at.alert->id == alert.id;
  if (!same && at.track.state == Track::State::kActive) {  // another one is up: this one has ended before it
    Alert ended = alert;
    ended.end_ms = alert.event_ms;
    d.record(ended, AlertEvent::kEnded, step);
    return true;
  }
  const Band baseline = at.track.baseline;
  at.track = track_of(d, step, raised, alert);
  if (same) at.track.baseline = baseline;
  at.evidence_times = std::isnan(alert.times_expected) ? 0 : alert.times_expected;
  at.alert = std::make_unique<Alert>(alert);
  return true;
}

// The track as it was at the alert's last record. The alert's drivers have the bands that volumes were measured against.
Track DetectorState::track_of(const Detector& d, int64_t step, int64_t raised, const Alert& alert) {
  const int64_t step_ms = d.rules_.step_ms();
  const int64_t first = std::min(base::step_of(alert.start_ms, step_ms), step - 1);
  const int64_t known = alert.end_ms == 0 ? alert.event_ms : alert.end_ms;
  Track track;
  track.start_step = track.alert_start = first;
  track.raised_step = std::clamp(raised, first, step - 1);
  track.last_hot = std::clamp(base::step_of(known - 1, step_ms), first, step - 1);
  track.last_on = track.last_hot;
  track.hits = 1;
  track.peak = static_cast<float>(alert.peak);
  if (alert.end_ms == 0) {
    track.state = Track::State::kActive;
  } else {
    track.end_step = track.last_hot + 1;
  }
  for (size_t v = 0; v < d.parts_.encoder->volumes(); ++v) {
    for (const auto& driver : alert.drivers) {
      if (driver.feature != d.parts_.encoder->volume_feature(v) || !driver.forecast ||
          std::isnan(driver.upper))
        continue;
      track.baseline.middle[v] = static_cast<float>(std::log1p(std::max(0.0, driver.expected)));
      track.baseline.upper[v] = static_cast<float>(std::log1p(std::max(0.0, driver.upper)));
      if (track.state == Track::State::kActive && driver.seen > driver.upper) track.latched |= 1u << v;
    }
  }
  return track;
}

}  // namespace netflowgen::detect
