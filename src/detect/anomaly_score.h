// How unlike its node's own past a step is: the score of task `anomaly`, which needs no label. docs/tasks.md, Anomalies.
//
//   score = 2 ln H + ln R + ln V
//   H  distance of the model's hidden state from where the node's hidden states usually lie (usual_vectors.h)
//   R  the same of the forecasts' residuals: a volume less the median that was forecast for this step, in widths of the forecast
//   V  the same of the volumes themselves, in their own unit
// Each is about 1 at a usual step, so the score is about 0. A part that the model or the series lacks is left out.
//
// One thread. Invariants: 1. A node's score depends on its own positions up to this one alone. 2. Only active steps are scored and
// learnt. 3. Memory: about 45 KB a node with the shipped model; forget() gives it back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "infer/weights.h"

namespace netflowgen::detect {

// What detect.json calls it, as a task's score (calibration.h).
inline constexpr std::string_view kUnusualScore = "unusual";

struct AnomalyOptions {
  base::TimeMs learn_until_ms = INT64_MAX;  // later steps are scored and not learnt
};

// One position of one node, as the engine answered it. Spans are read during the call.
struct AnomalyPosition {
  uint64_t node = 0;
  int64_t step = 0;
  std::span<const float> frame;   // [kFeatureCount]; empty: idle, which is passed over
  std::span<const float> hidden;  // [d_model]
  std::span<const float> direct;  // [leads, volumes, quantiles]; empty: no forecasts
};

class AnomalyScorer {
 public:
  // `model` is for steps of the length of those to come.
  explicit AnomalyScorer(std::shared_ptr<const infer::Model> model, const AnomalyOptions& options = {});
  ~AnomalyScorer();
  AnomalyScorer(AnomalyScorer&&) noexcept;

  // The score of an active step, which is then learnt. NaN: idle, or too little is known of the node.
  // REQUIRES: steps of a node ascend.
  float update(const AnomalyPosition& position);
  // What update() would say of positions of one node, one after another; nothing is learnt.
  std::vector<float> peek(std::span<const AnomalyPosition> positions) const;
  void forget(uint64_t node);
  size_t nodes() const { return nodes_.size(); }

  // All that is known, for a state file; a scorer of the same model that restores it continues with the same bits.
  std::vector<uint8_t> save() const;
  // REQUIRES: no node is known. False: the bytes are damaged or of another model. `last_step` bounds the steps in it.
  bool restore(std::span<const uint8_t> bytes, int64_t last_step);

 private:
  struct Node;
  float update(const AnomalyPosition& p, Node& node) const;
  void advance(const AnomalyPosition& p, Node& node) const;
  void start_block(int64_t step, Node& node) const;
  float score_and_learn(const AnomalyPosition& p, Node& node) const;
  void residuals(const AnomalyPosition& p, const Node& node, std::span<float> out) const;
  void keep_forecasts(const AnomalyPosition& p, Node& node) const;

  std::shared_ptr<const infer::Model> model_;
  std::vector<size_t> leads_;  // indices of the model's horizons whose residuals count
  int64_t block_steps_ = 0;
  int64_t learn_until_ = INT64_MAX;  // step
  std::unordered_map<uint64_t, Node> nodes_;
};

}  // namespace netflowgen::detect
