// Detector: alerts of steps that are still open. They are raised and become more severe before their step ends.
#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/band.h"
#include "detect/detector.h"

namespace netflowgen::detect {
namespace {

constexpr Severity kLeastEarly = Severity::kMedium;  // what is less waits for the whole step

// What an alert shows of the attack, of a look that found it more severe.
void take(Alert& alert, Alert&& fresh) {
  alert.severity = fresh.severity;
  alert.peak = std::max(alert.peak, fresh.peak);
  alert.times_expected = std::fmax(alert.times_expected, fresh.times_expected);
  alert.drivers = std::move(fresh.drivers);
  alert.flows = std::move(fresh.flows);
  alert.guess = std::move(fresh.guess);
  alert.filter = std::move(fresh.filter);
}

}  // namespace

// What the open steps would do to one task's alert if they ended now.
struct Detector::Foresight {
  Transition began = Transition::kNone;  // kRaised or kResumed; kNone: the alert was up, or there is none
  size_t first = 0;                      // number of the open step that did
  int64_t last_end = kNoStep;            // of the track before it
  bool any = false;                      // some step adds to the alert
  size_t worst = 0;                      // the first step with this severity
  Severity severity = Severity::kLow;
  Size size = {-std::numeric_limits<double>::infinity(), std::nan("")};  // up to `worst`
  Track track;                                                           // after it
};

const Band* Detector::band(uint64_t node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second.band;
}

void Detector::foresee(std::span<const int64_t> steps, std::span<const NodeScores> seen,
                       base::TimeMs now_ms) {
  const auto known = seen.empty() ? nodes_.end() : nodes_.find(seen.front().node);
  if (known == nodes_.end()) return;
  const Node& node = known->second;
  const auto up = live_.find(known->first);
  const OpenSteps open{steps, seen, now_ms};
  for (size_t t = 0; t < node.rule->thresholds.size(); ++t) {
    Live* const live = up == live_.end() ? nullptr : &up->second.tasks[t];
    const bool has_alert = live != nullptr && live->alert != nullptr;
    const auto early = early_.find({known->first, t});
    const Alert* before = nullptr;  // that is up
    if (early != early_.end()) {
      before = &early->second.alert;
    } else if (has_alert && live->track.state == Track::State::kActive) {
      before = live->alert.get();
    }
    const Foresight f = foresee_task(open, t, node, live, before);
    const bool strong = node.rule->fixed_severity || f.severity >= kLeastEarly;
    if (early != early_.end()) {
      escalate_early(open, t, node, f, early->second);
    } else if (f.began == Transition::kRaised) {
      if (strong) raise_early(open, t, node, f);
    } else if (f.began == Transition::kResumed) {
      if (has_alert && strong) resume_early(open, t, node, f, *live->alert);
    } else if (before != nullptr) {
      escalate_open(open, t, node, f, *live);
    }
  }
}

Detector::Foresight Detector::foresee_task(const OpenSteps& open, size_t task, const Node& node,
                                           const Live* live, const Alert* before) const {
  const Threshold& threshold = node.rule->thresholds[task];
  Foresight f;
  Size size = before == nullptr ? f.size : Size{before->peak, before->times_expected};
  Track track = live == nullptr ? Track() : live->track;
  Band band = node.band;
  for (size_t i = 0; i < open.seen.size(); ++i) {
    const NodeScores& seen = open.seen[i];
    const Observation observed{seen.scores[task], band, volumes_of(*parts_.encoder, seen.frame)};
    band = band_of(seen.direct, seen.level, parts_.quantiles);
    const int64_t last_end = track.end_step;
    const Transition transition = track.update(open.steps[i], observed, threshold, node.rule->timing);
    if (transition == Transition::kEnded) break;  // that comes with the end of its step
    const bool above = track.baseline.above(observed.seen) != 0;
    if (transition != Transition::kNone) {
      if (!above) break;
      f.began = transition;
      f.first = i;
      f.last_end = last_end;
    }
    if (!above || track.state != Track::State::kActive) continue;
    const double times = times_expected_of(track, seen, node);
    const Size now{std::max(size.peak, static_cast<double>(track.peak)),
                   std::fmax(size.times_expected, times)};
    const bool more = now.peak > size.peak || now.times_expected > size.times_expected ||
                      (std::isnan(size.times_expected) && !std::isnan(now.times_expected));
    size = now;
    if (before != nullptr && !more) continue;
    // By what this step carries itself: a step that has just begun tells nothing of what was seen in the one before.
    const Severity severity =
        severity_of({now.peak, times}, threshold, seen, node, passed_of(open.steps[i], open.now_ms));
    if (f.any && severity <= f.severity) continue;
    f.any = true;
    f.worst = i;
    f.severity = severity;
    f.size = now;
    f.track = track;
  }
  return f;
}

// REQUIRES: f.any.
Alert Detector::foreseen_alert(const OpenSteps& open, size_t task, const Node& node,
                               const Foresight& f) const {
  LiveNode copy{node.name, node.rule, kNoStep, {}};
  copy.tasks.resize(node.rule->thresholds.size());
  copy.tasks[task].track = f.track;
  Alert a = std::move(make_alert(open.steps[f.worst], task, open.seen[f.worst], node, copy, f.last_end));
  a.severity = f.severity;
  a.peak = f.size.peak;
  a.times_expected = f.size.times_expected;
  return a;
}

void Detector::raise_early(const OpenSteps& open, size_t task, const Node& node, const Foresight& f) {
  Alert a = foreseen_alert(open, task, node, f);
  a.id = alert_id(a.node, a.task, open.steps[f.first]);
  a.early = true;
  a.raised_ms = a.event_ms = open.now_ms;
  a.event = AlertEvent::kRaised;
  ledger_.enter();
  a.sent() ? ledger_.emit() : ledger_.drop(a.suppressed);
  sink_(a);
  early_[{open.seen.front().node, task}] = {open.steps[f.first], std::move(a)};
}

// An attack that comes again within `merge` of its end does not wait for its step either.
void Detector::resume_early(const OpenSteps& open, size_t task, const Node& node, const Foresight& f,
                            Alert& alert) {
  const AlertEvent event =
      learned(open.steps[f.first], node, alert) ? AlertEvent::kRaised : AlertEvent::kResumed;
  Alert a = alert;
  if (f.severity > a.severity) take(a, foreseen_alert(open, task, node, f));
  a.early = true;
  a.end_ms = 0;
  a.event = event;
  a.event_ms = open.now_ms;
  sink_(a);
  early_[{open.seen.front().node, task}] = {open.steps[f.first], std::move(a)};
}

void Detector::escalate_early(const OpenSteps& open, size_t task, const Node& node, const Foresight& f,
                              Early& early) {
  if (!f.any || f.severity <= early.alert.severity) return;
  take(early.alert, foreseen_alert(open, task, node, f));
  early.alert.event = AlertEvent::kEscalated;
  early.alert.event_ms = open.now_ms;
  sink_(early.alert);
}

// An alert that is up since an earlier step.
void Detector::escalate_open(const OpenSteps& open, size_t task, const Node& node, const Foresight& f,
                             Live& live) {
  Alert& alert = *live.alert;
  if (!f.any || f.severity <= alert.severity) return;
  take(alert, foreseen_alert(open, task, node, f));
  live.evidence_times = std::fmax(live.evidence_times, alert.times_expected);
  alert.event = learned(open.steps[f.worst], node, alert) ? AlertEvent::kRaised : AlertEvent::kEscalated;
  alert.event_ms = open.now_ms;
  sink_(alert);
}

// True: the alert was suppressed because its node was being learned, and is not any more. What it became is of now.
bool Detector::learned(int64_t step, const Node& node, Alert& alert) {
  if (alert.suppressed != Suppression::kLearning) return false;
  alert.suppressed = suppressed(step, node, *node.rule, kNoStep, alert.reason);
  if (alert.suppressed == Suppression::kLearning) return false;
  ledger_.enter();
  alert.sent() ? ledger_.emit() : ledger_.drop(alert.suppressed);
  return true;
}

// Early alerts whose step has ended without raising them.
void Detector::end_early(int64_t step) {
  for (auto it = early_.begin(); it != early_.end();) {
    if (it->second.step > step) {
      ++it;
      continue;
    }
    Alert& a = it->second.alert;
    a.end_ms = end_of(step);
    record(a, AlertEvent::kEnded, step);
    it = early_.erase(it);
  }
}

}  // namespace netflowgen::detect
