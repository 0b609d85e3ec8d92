// Detector: what an alert shows of its node, and what is usual for it.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/nan.h"
#include "detect/attack_type.h"
#include "detect/band.h"
#include "detect/detector.h"
#include "detect/filter_choice.h"
#include "detect/severity.h"
#include "detect/type_model.h"
#include "series/features.h"

namespace netflowgen::detect {
namespace {

using base::kNaN;
constexpr size_t kDrivers = 8;         // features that an alert shows
constexpr int64_t kEvidenceSteps = 2;  // before the step that raised it
constexpr int64_t kLearnLag =
    2;  // steps after which traffic counts as usual: an attack may begin below the thresholds
constexpr double kMostOfUsual = 2;  // a step counts in the usual traffic for at most this many times the mean

}  // namespace

void Detector::gather(int64_t step, const NodeScores& seen, const Node& node, Live& live) const {
  Alert& alert = *live.alert;
  const Track& track = live.track;
  alert.drivers = drivers_of(track, seen, node);
  Frame expected = node.usual;
  for (size_t v = 0; v < parts_.encoder->volumes(); ++v) {
    const float middle = track.baseline.middle[v];
    if (!std::isnan(middle))
      expected[static_cast<size_t>(parts_.encoder->volume_feature(v))] = std::expm1(middle);
  }
  add_flows(std::max(track.start_step, step - kEvidenceSteps), step, seen, expected, node, alert);
  live.evidence_times =
      std::max(live.evidence_times, std::isnan(alert.times_expected) ? 0 : alert.times_expected);
}

std::vector<Driver> Detector::drivers_of(const Track& track, const NodeScores& seen, const Node& node) const {
  const auto& encoder = *parts_.encoder;
  std::vector<Driver> all;
  for (size_t c = 0; c < encoder.levels(); ++c) {
    const int feature = encoder.tokenizer().channels()[c].feature;
    const float x = seen.frame[static_cast<size_t>(feature)];
    if (std::isnan(x)) continue;
    Driver d;
    d.feature = feature;
    d.seen = static_cast<double>(x);
    d.expected = static_cast<double>(node.usual[static_cast<size_t>(feature)]);
    d.upper = static_cast<double>(kNaN);
    d.bits = c < seen.surprise.size() ? static_cast<double>(seen.surprise[c]) / std::log(2.0) : 0;
    for (size_t v = 0; v < encoder.volumes(); ++v) {
      if (encoder.volume_feature(v) != feature || std::isnan(track.baseline.middle[v])) continue;
      d.expected = std::expm1(static_cast<double>(track.baseline.middle[v]));
      d.upper = std::expm1(static_cast<double>(track.baseline.upper[v]));
      d.forecast = true;
    }
    all.push_back(d);
  }
  // First what left its band, the volume first that is most above it: that is what times_expected tells of. Then by surprise.
  std::stable_sort(all.begin(), all.end(), [](const Driver& a, const Driver& b) {
    const double above_a = a.forecast ? times_expected(a.seen, a.expected, a.upper) : 0;
    const double above_b = b.forecast ? times_expected(b.seen, b.expected, b.upper) : 0;
    return above_a != above_b ? above_a > above_b : a.bits > b.bits;
  });
  if (all.size() > kDrivers) all.resize(kDrivers);
  return all;
}

void Detector::add_flows(int64_t first, int64_t last, const NodeScores& seen, const Frame& expected,
                         const Node& node, Alert& alert) const {
  std::vector<SampledFlow> sample;
  const NodeMatch match(alert.node);
  alert.flows.reset();
  if (parts_.flows != nullptr && match.any()) {
    sample = parts_.flows->flows(match, first, last);
    if (!sample.empty()) alert.flows = FlowSample::evidence(sample);
  }
  const FlowEvidence* flows = alert.flows ? &*alert.flows : nullptr;
  alert.guess = guess_of(seen, expected, flows);
  const Usual usual{node.traffic.get(), node.usual, step_seconds()};
  alert.filter = suggest_filter(alert.node, alert.guess.type, flows, sample, usual);
}

AttackGuess Detector::guess_of(const NodeScores& seen, const Frame& expected,
                               const FlowEvidence* flows) const {
  if (!seen.classes.empty())
    return guess_from_logits(seen.classes, parts_.classes, support_of("", seen.frame, flows));
  AttackGuess rule = guess_type(seen.frame, expected, flows);
  const auto evidence = parts_.types == nullptr ? std::nullopt : attack_evidence(seen.frame, expected);
  if (!evidence) return rule;
  const AttackGuess guess = parts_.types->guess(*evidence);
  return parts_.types->leaves_to_rule(guess, rule, flows != nullptr)
             ? rule
             : with_support(guess, support_of(guess.type, seen.frame, flows));
}

double Detector::times_expected_of(const Track& track, const NodeScores& seen, const Node& node) const {
  std::array<double, kMaxVolumes> usual;
  usual.fill(std::nan(""));
  for (size_t v = 0; v < std::min<size_t>(parts_.encoder->volumes(), kMaxVolumes); ++v) {
    usual[v] = static_cast<double>(node.usual[static_cast<size_t>(parts_.encoder->volume_feature(v))]);
  }
  return times_expected(track.baseline, usual, volumes_of(*parts_.encoder, seen.frame));
}

// The flows of a step some steps ago, to nodes that were normal then and since.
void Detector::learn_traffic(int64_t step) {
  if (parts_.flows == nullptr) return;
  const int64_t learned = step - kLearnLag;
  std::unordered_map<uint64_t, std::vector<SampledFlow>> by_node;
  std::vector<uint64_t> keys;
  for (const auto& flow : parts_.flows->step(learned)) {
    keys.clear();
    index_.find(flow, keys);
    for (const uint64_t key : keys) by_node[key].push_back(flow);
  }
  for (const auto& [key, flows] : by_node) {
    const auto it = nodes_.find(key);
    if (it == nodes_.end()) continue;
    Node& node = it->second;
    if (node.last_abnormal != kNoStep && node.last_abnormal >= learned) continue;
    if (node.traffic == nullptr) node.traffic = std::make_unique<UsualTraffic>();
    const auto packets = static_cast<double>(node.usual[series::kPacketsIn]);
    node.traffic->add(learned, rules_.step_ms(), flows, std::isnan(packets) ? 0 : kMostOfUsual * packets);
  }
}

// Alerts of one prefix become one incident. Those that were raised before it get a record of their own.
void Detector::group_alerts(int64_t step, std::vector<Incident>& incidents) {
  std::vector<Alert*> alerts;
  for (auto& [key, live] : live_) {
    for (auto& task : live.tasks) {
      if (task.alert != nullptr) alerts.push_back(task.alert.get());
    }
  }
  std::sort(alerts.begin(), alerts.end(), [](const Alert* a, const Alert* b) {
    return std::tie(a->node, a->task) < std::tie(b->node, b->task);
  });
  std::vector<Alert*> ungrouped;
  for (Alert* a : alerts) {
    if (a->incident.empty()) ungrouped.push_back(a);
  }
  incidents_.update(step, alerts, incidents);
  for (auto& incident : incidents) {
    if (incident.event == IncidentEvent::kEnded) continue;
    incident.filter = prefix_filter(step, incident);
    incidents_.set_filter(incident.id, incident.filter);
  }
  std::unordered_map<std::string_view, const Alert*> grouped;
  for (const Alert* a : ungrouped) {
    if (!a->incident.empty()) grouped[a->id] = a;
  }
  std::unordered_set<const Alert*> told;  // by another record of this step
  for (auto& changed : changes_) {
    const auto it = grouped.find(changed.id);
    if (it == grouped.end()) continue;
    changed.incident = it->second->incident;
    told.insert(it->second);
  }
  for (Alert* a : ungrouped) {
    if (!a->incident.empty() && !told.contains(a)) record(*a, AlertEvent::kGrouped, step);
  }
}

// For all of the prefix: made for what its victims receive; what all known nodes in it usually receive is what it
// would hit.
std::optional<Filter> Detector::prefix_filter(int64_t step, const Incident& incident) const {
  UsualTraffic traffic;
  Frame usual;
  usual.fill(kNaN);
  for (const uint64_t key : index_.inside(incident.prefix)) {
    const auto it = nodes_.find(key);
    if (it == nodes_.end() || it->second.name.find('/') != std::string::npos) continue;
    if (it->second.traffic != nullptr) traffic.merge(*it->second.traffic);
    for (const int f : {series::kBytesIn, series::kPacketsIn}) {
      const float x = it->second.usual[static_cast<size_t>(f)];
      float& sum = usual[static_cast<size_t>(f)];
      if (!std::isnan(x)) sum = std::isnan(sum) ? x : sum + x;
    }
  }
  const std::string name = incident.prefix.to_string();
  std::vector<SampledFlow> sample;
  std::optional<FlowEvidence> flows;
  if (parts_.flows != nullptr) sample = parts_.flows->flows(NodeMatch(name), step - kEvidenceSteps, step);
  std::unordered_set<base::IpAddr> victims;
  for (const auto& v : incident.victims) {
    if (const auto address = base::IpAddr::parse(v.node)) victims.insert(*address);
  }
  std::erase_if(sample, [&](const SampledFlow& f) { return !victims.contains(f.dst); });
  if (!sample.empty()) flows = FlowSample::evidence(sample);
  return suggest_filter(name, incident.type, flows ? &*flows : nullptr, sample,
                        {&traffic, usual, step_seconds()});
}

}  // namespace netflowgen::detect
