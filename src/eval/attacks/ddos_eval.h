// Runs the DDoS protocol: every method, budget and label seed, to figures. Definitions: docs/evaluation.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/attacks/alarms.h"
#include "eval/attacks/attack_method.h"
#include "eval/attacks/protocol.h"
#include "eval/metrics.h"

namespace netflowgen::eval {

struct DdosRunOptions {
  DdosOptions protocol;
  std::vector<Budget> budgets = {Budget{}};
  size_t label_seeds = 5;   // draws of each budget; a full budget is one
  uint64_t seed = 1;        // of the first draw
  size_t resamples = 200;   // of days, for intervals; 0: none
  double rate = 0.1;        // false alarms per node-day that thresholds aim at
  size_t unseen_folds = 0;  // 0: no unseen-nodes split; else folds of nodes
  bool leave_type_out = false;
};

// A set of rows and events that figures are taken over.
struct Slice {
  std::string name;  // "all", "without sweeps", "type syn", ...
  size_t events = 0;
  size_t attack_rows = 0;
  size_t benign_rows = 0;
  bool summarized = true;  // false: by type, in the runs only
};

struct SliceFigures {
  double auprc = 0;  // event-weighted
  double auprc_step = 0;
  double auroc_step = 0;
  AlarmFigures alarms;        // at the threshold from validation
  double recall_at_rate = 0;  // best possible on the test period itself: not a choice one has
};

// One fit of one method.
struct DdosRun {
  std::string method;
  std::string budget;
  std::string split;  // "time", "unseen nodes", "without TYPE"
  uint64_t seed = 0;
  size_t labelled_events = 0;
  bool labelled = false;             // the method uses labels
  bool in_sample_threshold = false;  // too few labels to cross-fit
  size_t folds_without_labels =
      0;  // of unseen nodes: the others show no attack, so these nodes have no score
  double seconds = 0;
  std::vector<SliceFigures> slices;  // parallel to DdosResult::slices
  std::vector<float> scores;         // [rows] kept for pictures and intervals
};

// Mean over seeds, and an interval from resampling days, for a (method, budget, split, slice).
struct DdosSummary {
  std::string method;
  std::string budget;
  std::string split;
  size_t slice = 0;
  MeanDeviation auprc;
  Interval auprc_interval;
  MeanDeviation auprc_step;
  MeanDeviation auroc_step;
  MeanDeviation recall;
  MeanDeviation false_per_node_day;
  MeanDeviation recall_at_rate;
  MeanDeviation median_delay_min;  // over seeds where it is finite
  MeanDeviation restricted_delay_min;
  MeanDeviation effectiveness;
  MeanDeviation overhead;
};

struct DdosResult {
  DdosRunOptions options;
  DdosData data;
  std::vector<Slice> slices;
  std::vector<DdosRun> runs;
  std::vector<DdosSummary> summaries;
  std::vector<std::string> notes;  // what was left out and why, in sentences
  int volume_feature = 0;

  // What `slice` is judged against in the test period.
  Truth truth(size_t slice) const;
  // Its scored rows in that period, for a Ranking.
  std::vector<ScoredRow> scored_rows(size_t slice, const std::vector<float>& scores) const;
};

// `detectors` are fitted again and again. Stopped is thrown at stop, between fits.
DdosResult evaluate_ddos(const FrameTable& table, const std::vector<Event>& events,
                         const std::vector<Event>& excluded, const DdosRunOptions& options,
                         const std::vector<std::unique_ptr<AttackMethod>>& detectors,
                         const base::ProgressFn& progress = {}, const base::StopFlag* stop = nullptr);

}  // namespace netflowgen::eval
