// What a DDoS detection method looks like to the evaluation: baselines and trained models alike.
//
// A method sees a DdosTask once (fit), then scores whole tables. What it may not see is not in the task:
// labels outside the train and validation periods, and those beyond the label budget, are kUnlabelled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/calibrate.h"
#include "eval/labels.h"

namespace netflowgen::eval {

enum class RowLabel : uint8_t { kBenign, kAttack, kUnlabelled };

struct DdosTask {
  const FrameTable* table = nullptr;
  Period train;                       // what the budget's labels lie in, validation included
  Period validation;                  // the late part of it; everything is chosen here
  std::vector<Event> events;          // the labelled events (the budget's), all inside `train`
  std::vector<RowLabel> labels;       // [rows] as the method may see them; outside `train`: kUnlabelled
  std::vector<int32_t> event_of_row;  // [rows] index into `events`, or -1
  // [rows] rows that count (e.g. flows_in > 0 on nodes with enough traffic). Fit on these; other rows are
  // context.
  std::vector<bool> scored;
  // [rows] said to be benign by somebody who looked; empty: none. A method may give them more weight.
  std::vector<bool> denied;

  TimeMs time_of(size_t row) const { return table->steps[row] * table->step_ms; }
  bool in_train(size_t row) const { return train.contains(time_of(row)); }
  bool in_validation(size_t row) const { return validation.contains(time_of(row)); }
};

class AttackMethod {
 public:
  virtual ~AttackMethod() = default;
  virtual std::string name() const = 0;
  // False: fit ignores labels, so one run does for every budget and seed.
  virtual bool uses_labels() const { return true; }
  // Learns from task.labels; the same task and seed give the same scores.
  virtual void fit(const DdosTask& task, uint64_t seed) = 0;
  // [rows], higher is more of an attack, causal: a row's score depends on its node's rows up to it alone (and
  // on other nodes' rows up to its step). NaN: no score, counts as the lowest. `table` may be another than
  // fit's.
  virtual std::vector<float> score(const FrameTable& table) = 0;
  // Sets `bands` and `seen` of a table's scores where the method forecasts volumes: its alerts then latch.
  virtual void latch(const FrameTable&, detect::ScoreTable&) {}
};

}  // namespace netflowgen::eval
