#include "detect/detector.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/check.h"
#include "base/nan.h"
#include "detect/band.h"
#include "detect/ordinary_growth.h"
#include "detect/severity.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

using base::kNaN;
constexpr uint32_t kUsualFrames = 64;     // of the running mean
constexpr double kOutageSurvival = 1e-3;  // silence as rare as this is an outage
constexpr double kLarger = 1.5;           // evidence is gathered again when the excess has grown so much
constexpr std::string_view kOutage = "outage";

}  // namespace

Detector::Detector(RuleSet& rules, DetectorParts parts, AlertSink sink)
    : rules_(rules),
      parts_(std::move(parts)),
      sink_(std::move(sink)),
      incidents_(rules.policies().incidents(), rules.step_ms(), rules.longest_merge()) {}

base::LedgerView Detector::alerts_ledger() const { return ledger_.view("alerts"); }

size_t Detector::open_alerts() const {
  size_t n = outages_.size() + early_.size();
  for (const auto& [key, live] : live_) {
    for (const auto& task : live.tasks) n += task.track.state == Track::State::kActive ? 1 : 0;
  }
  return n;
}

Detector::Node& Detector::node_of(const NodeScores& seen, int64_t step) {
  const auto [it, fresh] = nodes_.try_emplace(seen.node);
  if (fresh) {
    Node& node = it->second;
    node.name = seen.name;
    node.rule = &rules_.rule(seen.name);
    node.first_step = step;
    node.usual.fill(kNaN);
    if (node.rule->outage_steps > 0) watched_.insert(seen.node);
    if (parts_.flows != nullptr) index_.add(node.name, seen.node);
  }
  return it->second;
}

void Detector::forget(uint64_t node) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  if (parts_.flows != nullptr) index_.remove(it->second.name);
  nodes_.erase(it);
}

void Detector::update(int64_t step, std::span<const NodeScores> seen) {
  for (const auto& s : seen) {
    if (s.frame.empty()) {
      const auto it = nodes_.find(s.node);
      if (it != nodes_.end()) it->second.band = band_of(s.direct, s.level, parts_.quantiles);
      continue;
    }
    Node& node = node_of(s, step);
    end_outage(step, s.node);
    update_frame(step, s, node);
    node.last_frame = step;
    node.band = band_of(s.direct, s.level, parts_.quantiles);
  }
}

void Detector::update_frame(int64_t step, const NodeScores& seen, Node& node) {
  const Rule& rule = *node.rule;
  auto it = live_.find(seen.node);
  if (it == live_.end()) {
    bool any = false;
    for (size_t t = 0; t < rule.thresholds.size(); ++t) any |= seen.scores[t] >= rule.thresholds[t].off;
    if (!any) return learn_usual(seen.frame, node);
    it = live_.try_emplace(seen.node).first;
    it->second.name = node.name;
    it->second.rule = &rule;
    it->second.tasks.resize(rule.thresholds.size());
  }
  LiveNode& live = it->second;
  live.looked = step;
  Observation observed{0, node.band, volumes_of(*parts_.encoder, seen.frame)};
  bool normal = true;
  for (size_t t = 0; t < live.tasks.size(); ++t) {
    observed.score = seen.scores[t];
    const int64_t last_end = live.tasks[t].track.end_step;
    const Transition transition = live.tasks[t].track.update(step, observed, rule.thresholds[t], rule.timing);
    apply(step, t, transition, &seen, &node, live, last_end);
    normal &= live.tasks[t].track.idle();
  }
  if (normal) return learn_usual(seen.frame, node);
  node.last_abnormal = step;
}

void Detector::learn_usual(std::span<const float> frame, Node& node) const {
  if (node.frames < kUsualFrames) ++node.frames;
  const float rate = 1.0f / static_cast<float>(node.frames);
  for (size_t f = 0; f < frame.size(); ++f) {
    float& mean = node.usual[f];
    if (std::isnan(frame[f])) continue;
    const bool category = series::kFeatures[f].kind == series::Kind::kCategory;
    mean = std::isnan(mean) || category ? frame[f] : mean + rate * (frame[f] - mean);
  }
}

void Detector::end_step(int64_t step) {
  for (auto it = live_.begin(); it != live_.end();) {
    LiveNode& live = it->second;
    bool done = true;
    for (size_t t = 0; t < live.tasks.size(); ++t) {
      Track& track = live.tasks[t].track;
      if (live.looked != step) {
        apply(step, t, track.silent(step, live.rule->timing), nullptr, nullptr, live, kNoStep);
      }
      done &= track.forgettable(step, live.rule->timing);
    }
    it = done ? live_.erase(it) : std::next(it);
  }
  end_early(step);
  watch_outages(step);
  learn_traffic(step);
  std::vector<Incident> incidents;
  group_alerts(step, incidents);
  std::stable_sort(changes_.begin(), changes_.end(), [](const Alert& a, const Alert& b) {
    return std::tie(a.node, a.task) < std::tie(b.node, b.task);
  });
  for (const auto& a : changes_) sink_(a);
  changes_.clear();
  if (!parts_.incidents) return;
  for (const auto& incident : incidents) parts_.incidents(incident);
}

// What a track's transition, or its staying active, means for its alert.
void Detector::apply(int64_t step, size_t task, Transition transition, const NodeScores* seen,
                     const Node* node, LiveNode& live, int64_t last_end) {
  Live& at = live.tasks[task];
  if (transition == Transition::kRaised) return raise(step, task, *seen, *node, live, last_end);
  if (at.alert == nullptr) return;
  Alert& alert = *at.alert;
  if (transition == Transition::kEnded) {
    alert.end_ms = at.track.end_step * rules_.step_ms();
    return record(alert, AlertEvent::kEnded, step);
  }
  if (seen == nullptr || at.track.state != Track::State::kActive) return;
  const bool higher = static_cast<double>(at.track.peak) > alert.peak;
  alert.peak = std::max(alert.peak, static_cast<double>(at.track.peak));
  const double times = times_expected_of(at.track, *seen, *node);
  const bool larger = std::isnan(alert.times_expected) || times > alert.times_expected;
  if (larger) alert.times_expected = times;
  if (higher || times > kLarger * at.evidence_times) gather(step, *seen, *node, at);
  // A step that adds nothing, such as the one after a flash crowd, tells nothing of what the attack was.
  const Severity severity = higher || larger ? severity_of({alert.peak, alert.times_expected},
                                                           live.rule->thresholds[task], *seen, *node)
                                             : alert.severity;
  const bool more_severe = severity > alert.severity;
  if (more_severe) alert.severity = severity;
  if ((more_severe || transition == Transition::kResumed) && learned(step, *node, alert)) {
    alert.end_ms = 0;
    early_.erase({seen->node, task});
    return record(alert, AlertEvent::kRaised, step);
  }
  if (transition == Transition::kResumed) {
    alert.end_ms = 0;
    const auto early = early_.find({seen->node, task});
    if (early == early_.end()) return record(alert, AlertEvent::kResumed, step);
    alert.event_ms = early->second.alert.event_ms;
    alert.severity = std::max(alert.severity, early->second.alert.severity);
    early_.erase(early);
    record(alert, AlertEvent::kUpdated, step);
  } else if (more_severe) {
    record(alert, AlertEvent::kEscalated, step);
  }
}

// The alert of live.tasks[task], for a track that has just become active.
Alert& Detector::make_alert(int64_t step, size_t task, const NodeScores& seen, const Node& node,
                            LiveNode& live, int64_t last_end) const {
  const TaskCalibration& calibration = rules_.calibration().tasks[task];
  const Track& track = live.tasks[task].track;
  live.tasks[task].alert = std::make_unique<Alert>();
  Alert& a = *live.tasks[task].alert;
  a.id = alert_id(live.name, calibration.name, step);
  a.node = live.name;
  a.task = calibration.name;
  a.start_ms = track.start_step * rules_.step_ms();
  a.raised_ms = end_of(step);
  a.peak = static_cast<double>(track.peak);
  a.threshold = static_cast<double>(live.rule->thresholds[task].on);
  a.times_expected = times_expected_of(track, seen, node);
  a.policy = live.rule->policy;
  a.contacts = live.rule->contacts;
  a.suppressed = suppressed(step, node, *live.rule, last_end, a.reason);
  gather(step, seen, node, live.tasks[task]);
  a.severity = severity_of({a.peak, a.times_expected}, live.rule->thresholds[task], seen, node);
  return a;
}

void Detector::raise(int64_t step, size_t task, const NodeScores& seen, const Node& node, LiveNode& live,
                     int64_t last_end) {
  Alert& a = make_alert(step, task, seen, node, live, last_end);
  if (const auto early = early_.find({seen.node, task}); early != early_.end()) {
    const Alert& before = early->second.alert;
    a.id = before.id;
    a.raised_ms = before.raised_ms;
    a.event_ms = before.event_ms;
    a.suppressed = before.suppressed;
    a.severity =
        std::max(a.severity, before.severity);  // it never falls: what was told once stays true of the attack
    a.early = true;
    early_.erase(early);
    return record(a, AlertEvent::kUpdated, step);
  }
  ledger_.enter();
  a.sent() ? ledger_.emit() : ledger_.drop(a.suppressed);
  record(a, AlertEvent::kRaised, step);
}

Suppression Detector::suppressed(int64_t step, const Node& node, const Rule& rule, int64_t last_end,
                                 std::string& reason) const {
  if (step - node.first_step < rule.learning_steps) return Suppression::kLearning;
  if (rule.mute) return Suppression::kMuted;
  if (const auto* m = rules_.policies().maintenance(node.name, step * rules_.step_ms())) {
    reason = m->reason;
    return Suppression::kMaintenance;
  }
  if (last_end != kNoStep && step - last_end < rule.timing.cooldown_steps) return Suppression::kCooldown;
  return rules_.policies().dry_run() ? Suppression::kDryRun : Suppression::kNone;
}

Severity Detector::severity_of(const Size& size, const Threshold& threshold, const NodeScores& seen,
                               const Node& node, double passed) const {
  if (node.rule->fixed_severity) return node.rule->severity;
  const Severity severity = detect::severity_of(size.peak, threshold, size.times_expected);
  // By frames alone: a replay of a store has no flows, and gives the same alerts.
  Frame usual = node.usual;
  for (const int f : {series::kBytesIn, series::kPacketsIn, series::kFlowsIn}) {
    for (const int offset : {0, series::kOutOffset})
      usual[static_cast<size_t>(f) + static_cast<size_t>(offset)] *= static_cast<float>(passed);
  }
  if (!ordinary_growth(seen.frame, usual, nullptr)) return severity;
  return std::min(severity, few_peers_copy(seen.frame, usual) ? Severity::kLow : Severity::kMedium);
}

void Detector::record(Alert& alert, AlertEvent event, int64_t step) {
  alert.event = event;
  // What was recorded while the step was open may be of a time after its end.
  alert.event_ms = std::max({end_of(step), alert.raised_ms, alert.event_ms});
  changes_.push_back(alert);
}

// Outages
// ------------------------------------------------------------------------------------------------------

void Detector::watch_outages(int64_t step) {
  if (!parts_.survival) return;
  for (auto it = watched_.begin(); it != watched_.end();) {
    const auto found = nodes_.find(*it);
    if (found == nodes_.end()) {
      it = watched_.erase(it);
      continue;
    }
    const uint64_t key = *it++;
    const Node& node = found->second;
    if (step - node.last_frame < node.rule->outage_steps || outages_.contains(key)) continue;
    const double survival = parts_.survival(key, step);
    if (!(survival <= kOutageSurvival)) continue;
    auto a = std::make_unique<Alert>();
    a->id = alert_id(node.name, kOutage, step);
    a->node = node.name;
    a->task = kOutage;
    a->guess = {std::string(kOutage), 1 - survival, true};
    a->start_ms = (node.last_frame + 1) * rules_.step_ms();
    a->raised_ms = end_of(step);
    a->peak = -std::log10(std::max(survival, 1e-30));
    a->threshold = -std::log10(kOutageSurvival);
    a->severity = node.rule->fixed_severity ? node.rule->severity : Severity::kMedium;
    a->policy = node.rule->policy;
    a->contacts = node.rule->contacts;
    a->suppressed = suppressed(step, node, *node.rule, kNoStep, a->reason);
    ledger_.enter();
    a->sent() ? ledger_.emit() : ledger_.drop(a->suppressed);
    record(*a, AlertEvent::kRaised, step);
    outages_[key] = std::move(a);
  }
}

void Detector::end_outage(int64_t step, uint64_t node) {
  if (outages_.empty()) return;
  const auto it = outages_.find(node);
  if (it == outages_.end()) return;
  it->second->end_ms = step * rules_.step_ms();
  record(*it->second, AlertEvent::kEnded, step);
  outages_.erase(it);
}

}  // namespace netflowgen::detect
