// The live path behind the series builder: frames of a closing step -> engine -> detector. Replay is this
// same code with a file in front of it.
//
// One thread calls; the engine shares a step's work among its own. Invariant: alerts depend on the frames
// (and for their evidence on the flows) alone, not on the order of nodes within a step, on chunks, or on
// threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/ledger.h"
#include "detect/anomaly_score.h"
#include "detect/detector.h"
#include "detect/type_model.h"
#include "infer/engine.h"
#include "infer/weights.h"
#include "series/builder.h"
#include "series/node.h"
#include "series/rates.h"

namespace netflowgen::detect {

// A node that is active in a step that is still open.
struct OpenNode {
  int64_t step;
  uint64_t key;  // infer::node_key(name)
  std::string name;
  token::Surroundings::Values values;  // so far
};

class StreamingDetector : public series::FrameSink {
 public:
  // Error: the calibration names a head that the model lacks.
  StreamingDetector(std::shared_ptr<const infer::Model> model, RuleSet& rules,
                    const infer::EngineOptions& options, AlertSink sink, IncidentSink incidents = {});

  // Flows that the builder is about to get, for the alerts' evidence. Leave it out where there are none.
  void flows(std::span<const flow::Flow> flows) { sample_.add(flows); }

  // FrameSink: steps ascend.
  void frame(const series::NodeKey& node, int64_t step, std::span<const float> frame) override {
    add(series::name_of(node), step, frame);
  }
  void step_closed(int64_t step) override { close(step); }

  // The same for frames that have names already. REQUIRES: step is greater than the last closed one.
  void add(std::string_view node, int64_t step, std::span<const float> frame);
  void close(int64_t step);
  // `step` is the last of the input although nothing was active in it.
  void finish(int64_t step);

  // What the nodes of the open steps will be given of each other, as far as is known now: for foresee() of those in `wanted`.
  // Each node once a step, steps ascending.
  void look_around(std::span<const OpenNode> open, const std::unordered_set<uint64_t>& wanted);

  // One node's frames of the steps that are open, ascending and later than the last closed one: [steps, kFeatureCount]. What
  // they would raise is raised at once (Detector::foresee); the engine's state stays as it is, to the bit.
  void foresee(std::string_view node, std::span<const int64_t> steps, std::span<const float> frames,
               base::TimeMs now_ms);

  // Sees every position that the engine stepped, idle ones too, before the detector does. Spans are valid during the call.
  using Observer = std::function<void(int64_t step, std::span<const NodeScores>)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  // Takes the sample of flows and the counts of frames from a stream that this one continues. `before` is not used any more.
  void take_over(StreamingDetector& before);

  // Frames: in = out (scored) + drops.
  base::LedgerView frames_ledger() const { return frames_.view("frames scored"); }
  base::LedgerView nodes_ledger() const { return engine_.nodes_ledger(); }
  base::LedgerView alerts_ledger() const { return detector_.alerts_ledger(); }
  infer::Engine& engine() { return engine_; }
  Detector& detector() { return detector_; }
  const FlowSample& sample() const { return sample_; }
  int64_t last_step() const { return last_step_; }

 private:
  friend class DetectorState;
  struct Pending {
    std::string node;
    size_t frame;  // index into frames_of_step_
  };
  struct Source {          // where a task's score is found
    int task = -1;         // of the model; -1: the injection head
    bool unusual = false;  // the anomaly score instead
    int scored = -1;
  };

  DetectorParts parts(IncidentSink incidents);
  Source source_of(const TaskCalibration& task) const;
  std::span<const float> frame_of(const Pending& p) const;
  void find_surroundings(int64_t step);
  void pass_silence(int64_t step);
  void run(int64_t step, std::span<const infer::Item> items, std::span<const std::string_view> names);
  void update_detector(int64_t step, std::span<const infer::Item> items,
                       std::span<const std::string_view> names);
  NodeScores scores_of(const infer::Results& results, size_t items, size_t i, const infer::Item& item,
                       std::vector<float>& scores) const;
  float score(const Source& source, const infer::Results& results, size_t item,
              std::span<const float> frame) const;
  infer::Wanted wanted() const;
  AnomalyPosition position_of(const infer::Results& results, size_t items, size_t i,
                              const infer::Item& item) const;

  std::shared_ptr<const infer::Model> model_;
  infer::Engine engine_;
  std::vector<Source> sources_;
  int classes_ = -1;  // index of the classes head
  std::optional<TypeModel> types_;
  std::unique_ptr<AnomalyScorer> unusual_;  // null: no task asks for it
  std::vector<float> unusual_scores_;       // [items] of the latest step or of the latest foresee()
  FlowSample sample_;
  Detector detector_;
  Observer observer_;
  base::Ledger<infer::Drop> frames_;
  std::optional<token::Surroundings> surroundings_;                        // where the model looks at them
  std::vector<token::Surround> surround_;                                  // [pending]
  std::map<std::pair<int64_t, uint64_t>, token::Surround> open_surround_;  // by step and node
  int64_t last_step_ = kNoStep;
  std::vector<Pending> pending_;
  std::vector<float> frames_of_step_;  // [pending, kFeatureCount]
  infer::Results results_;
  infer::Results peeked_;
  std::vector<float> scores_;  // [items, tasks]
  std::vector<NodeScores> seen_;
};

}  // namespace netflowgen::detect
