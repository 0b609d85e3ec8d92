// Scores of all nodes, step by step -> alerts. The one detector: live, replay and tests drive it alike.
//
//   for each step, ascending: update() at every node that the engine stepped, in any order and number of calls;
//   then end_step(), which tells silent nodes' tracks and hands on what changed, by node, then task.
//
// Invariants: 1. No clock: time is the steps'. 2. The order of update() calls within a step changes nothing.
// 3. Memory: a node's forecast and usual frame for as long as the engine knows the node (forget()); tracks
// only where something is going on; kUsualFlows usual flows a node. 4. alerts: raised = sent + suppressed by
// reason. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ledger.h"
#include "detect/alert.h"
#include "detect/flow_sample.h"
#include "detect/incident.h"
#include "detect/node_index.h"
#include "detect/rule_set.h"
#include "detect/track.h"
#include "detect/usual_traffic.h"
#include "token/encoder.h"

namespace netflowgen::detect {

struct TypeModel;  // type_model.h

// One node at one step, as the engine scored it. Memory is the caller's, read during the call.
struct NodeScores {
  uint64_t node = 0;                // infer::node_key(name)
  std::string_view name;            // may be empty where frame is
  std::span<const float> frame;     // [kFeatureCount]; empty: an idle position
  std::span<const float> scores;    // [tasks of the calibration]; NaN: none
  std::span<const float> surprise;  // [targets], nats
  std::span<const float> direct;    // [volumes, quantiles] of the first lead, log1p minus level
  std::span<const float> level;     // [volumes]
  std::span<const float> classes;   // logits of the classes head, or empty
  uint32_t position = 0;            // number of the position, from 0: the window is full at `window`
};

using AlertSink = std::function<void(const Alert&)>;
using IncidentSink = std::function<void(const Incident&)>;
// Probability that a node is silent for as long as it has been at a step, and longer.
using Survival = std::function<double(uint64_t node, int64_t step)>;

struct DetectorParts {
  const token::Encoder* encoder = nullptr;
  std::vector<float> quantiles;      // of the direct heads
  std::vector<std::string> classes;  // of the classes head
  const TypeModel* types = nullptr;  // names types where there is no classes head; null: the rule does
  const FlowSample* flows = nullptr;
  Survival survival;       // for outage alerts
  IncidentSink incidents;  // may be empty
};

class Detector {
 public:
  // The rule set must outlive the detector.
  Detector(RuleSet& rules, DetectorParts parts, AlertSink sink);

  // REQUIRES: step is the same until end_step(step), then greater.
  void update(int64_t step, std::span<const NodeScores> seen);
  void end_step(int64_t step);
  // Raises, at once, the alerts that the open steps would raise if they ended now, and raises the severity of those that are
  // up. `seen` is of one node, `seen[i]` of steps[i], ascending, as the engine would score them (infer::Engine::peek). Only
  // where a volume is above its band already, and the severity is medium or more. Tracks do not change. When a step ends that was foreseen, its alert has the same
  // id and the event kUpdated; where the step raises none after all, the early alert ends. `now_ms`: when it became known.
  void foresee(std::span<const int64_t> steps, std::span<const NodeScores> seen, base::TimeMs now_ms);
  // Of a node, for the step after its last position; null: no forecast, or not known.
  const Band* band(uint64_t node) const;
  // The engine no longer knows the node: its forecast and what was usual for it go; an alert of it stays.
  void forget(uint64_t node);

  base::LedgerView alerts_ledger() const;
  size_t open_alerts() const;
  size_t open_incidents() const { return incidents_.open().size(); }
  bool busy() const { return !live_.empty() || !watched_.empty() || !early_.empty() || incidents_.busy(); }

 private:
  friend class DetectorState;
  using Frame = std::array<float, series::kFeatureCount>;

  struct Node {
    std::string name;
    const Rule* rule = nullptr;
    int64_t first_step = kNoStep;
    int64_t last_frame = kNoStep;
    uint32_t frames = 0;
    Band band = Band::none();               // forecast for the step after its last position
    Frame usual;                            // running mean over normal frames; NaN: not known
    int64_t last_abnormal = kNoStep;        // last step with a track that was not idle
    std::unique_ptr<UsualTraffic> traffic;  // of normal steps; null: no flow was seen
  };
  struct Live {  // a task's track on a node, while it is not idle or could still be continued
    Track track;
    std::unique_ptr<Alert> alert;
    double evidence_times = 0;  // Alert::times_expected when its evidence was gathered
  };
  struct Early {
    int64_t step = 0;  // that is still open
    Alert alert;
  };
  struct LiveNode {
    std::string name;
    const Rule* rule = nullptr;
    int64_t looked = kNoStep;  // last step with a frame
    std::vector<Live> tasks;
  };

  Node& node_of(const NodeScores& seen, int64_t step);
  void update_frame(int64_t step, const NodeScores& seen, Node& node);
  void learn_usual(std::span<const float> frame, Node& node) const;
  void apply(int64_t step, size_t task, Transition transition, const NodeScores* seen, const Node* node,
             LiveNode& live, int64_t last_end);
  Alert& make_alert(int64_t step, size_t task, const NodeScores& seen, const Node& node, LiveNode& live,
                    int64_t last_end) const;
  void raise(int64_t step, size_t task, const NodeScores& seen, const Node& node, LiveNode& live,
             int64_t last_end);
  Suppression suppressed(int64_t step, const Node& node, const Rule& rule, int64_t last_end,
                         std::string& reason) const;
  struct Size {  // what a severity depends on
    double peak;
    double times_expected;
  };
  struct OpenSteps {  // of one node
    std::span<const int64_t> steps;
    std::span<const NodeScores> seen;
    base::TimeMs now_ms;
  };
  struct Foresight;
  Foresight foresee_task(const OpenSteps& open, size_t task, const Node& node, const Live* live,
                         const Alert* before) const;
  Alert foreseen_alert(const OpenSteps& open, size_t task, const Node& node, const Foresight& seen) const;
  void raise_early(const OpenSteps& open, size_t task, const Node& node, const Foresight& foresight);
  void resume_early(const OpenSteps& open, size_t task, const Node& node, const Foresight& foresight,
                    Alert& alert);
  void escalate_early(const OpenSteps& open, size_t task, const Node& node, const Foresight& foresight,
                      Early& early);
  void escalate_open(const OpenSteps& open, size_t task, const Node& node, const Foresight& foresight,
                     Live& live);
  bool learned(int64_t step, const Node& node, Alert& alert);
  void end_early(int64_t step);
  void gather(int64_t step, const NodeScores& seen, const Node& node, Live& live) const;
  std::vector<Driver> drivers_of(const Track& track, const NodeScores& seen, const Node& node) const;
  void add_flows(int64_t first, int64_t last, const NodeScores& seen, const Frame& expected, const Node& node,
                 Alert& alert) const;
  AttackGuess guess_of(const NodeScores& seen, const Frame& expected, const FlowEvidence* flows) const;
  double times_expected_of(const Track& track, const NodeScores& seen, const Node& node) const;
  // `passed`: the part of the step that the frame is of.
  Severity severity_of(const Size& size, const Threshold& threshold, const NodeScores& seen, const Node& node,
                       double passed = 1) const;
  // The part of a step that has passed.
  double passed_of(int64_t step, base::TimeMs now_ms) const {
    return std::clamp(static_cast<double>(now_ms - end_of(step - 1)) / static_cast<double>(rules_.step_ms()),
                      0.0, 1.0);
  }
  double step_seconds() const { return static_cast<double>(rules_.step_ms()) / 1000; }
  void learn_traffic(int64_t step);
  void group_alerts(int64_t step, std::vector<Incident>& incidents);
  std::optional<Filter> prefix_filter(int64_t step, const Incident& incident) const;
  void watch_outages(int64_t step);
  void end_outage(int64_t step, uint64_t node);
  void record(Alert& alert, AlertEvent event, int64_t step);
  base::TimeMs end_of(int64_t step) const { return (step + 1) * rules_.step_ms(); }

  RuleSet& rules_;
  DetectorParts parts_;
  AlertSink sink_;
  std::unordered_map<uint64_t, Node> nodes_;
  std::unordered_map<uint64_t, LiveNode> live_;
  std::unordered_set<uint64_t> watched_;                          // nodes whose policy asks for outage alerts
  std::unordered_map<uint64_t, std::unique_ptr<Alert>> outages_;  // open ones
  std::vector<Alert> changes_;                                    // of this step
  std::map<std::pair<uint64_t, size_t>, Early> early_;            // by node and task
  NodeIndex index_;                                               // of nodes_, where there are flows
  IncidentTracker incidents_;
  base::Ledger<Suppression> ledger_;
};

}  // namespace netflowgen::detect
