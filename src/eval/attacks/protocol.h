// The DDoS protocol: which rows count, what a label budget shows, how periods, nodes and types are split.
// Definitions: docs/evaluation.md.
//
// Invariants: 1. Nothing of the test period is in a task. 2. The same options and seed give the same task.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/attacks/attack_method.h"
#include "eval/labels.h"

namespace netflowgen::eval {

// What a method is told of the training period.
struct Budget {
  enum class Kind : uint8_t {
    kFull,        // every event; every other row is benign
    kClean,       // a share of the events, and the same share of the attack-free node-hours as benign
    kIncomplete,  // a share of the events; every other row passes as benign, unlabelled attacks too
    kIncidents,   // every event of a few incidents; attack-free node-hours (benign_share) as benign
  };
  Kind kind = Kind::kFull;
  double share = 1;         // of the events
  size_t count = 0;         // instead of share: number of events, or incidents
  double benign_share = 1;  // of the attack-free node-hours; clean: `share` unless given

  // "full", "clean:10%", "clean:5" (events), "incomplete:10%", "incidents:2"; clean and incidents take a
  // benign share behind another colon ("clean:5:20%", "incidents:2:10%", which is the default there).
  // nullopt: none of these.
  static std::optional<Budget> parse(std::string_view text);
  std::string name() const;
};

struct DdosOptions {
  Period train;                             // labels are seen here; validation is its last part
  Period validation;                        // thresholds and everything else are chosen here
  Period test;                              // figures come from here; empty: nothing is tested
  std::string scored_feature = "flows_in";  // rows count where it is above 0; empty: all rows
  uint64_t min_flows = 0;                   // nodes with fewer flows (in + out) in training are left out
  int64_t merge_gap_ms = 10 * 60'000;       // alarmed steps closer than this are one episode
  int64_t lead_ms = 0;                      // an alarm up to this long before an event's start finds it
};

// A table cut to the nodes that take part, and what is true of its rows.
struct DdosData {
  FrameTable table;
  std::vector<Event> events;          // by start
  std::vector<int32_t> event_of_row;  // [rows] index into events, -1: none
  std::vector<bool> excluded;         // [rows] known to be another attack, and in no event
  std::vector<bool> scored;           // [rows]
  size_t nodes_left_out = 0;          // fewer than min_flows
  size_t events_left_out = 0;         // on those nodes

  TimeMs time_of(size_t row) const { return table.steps[row] * table.step_ms; }
};

// `excluded`: attacks that are neither to be found nor false alarms when found.
// Error: a period outside the archive, an unknown feature.
DdosData prepare_ddos(const FrameTable& table, const std::vector<Event>& events,
                      const std::vector<Event>& excluded, const DdosOptions& options);

// The full truth of the training period as a task, before any budget.
DdosTask full_task(const DdosData& data, const DdosOptions& options);
// Rows of `benign` (nodes of `table`, before any were left out) become benign and denied, whatever else a label
// says of them. Returns the number of rows.
size_t deny(DdosTask& task, const FrameTable& table, const std::vector<Event>& benign);
// What the budget shows of it. `seed` draws events, incidents and node-hours.
DdosTask with_budget(const DdosTask& full, const Budget& budget, uint64_t seed);
// Hides nodes or a type from a task: their rows are kUnlabelled and not scored, their events gone.
DdosTask without_nodes(const DdosTask& task, const std::vector<bool>& hidden);
DdosTask without_type(const DdosTask& task, std::string_view type);

// There is something to learn from: an attack row and a benign one that count, in training.
bool teaches(const DdosTask& task);

// Share of the training period's node-hours that the task shows as benign or attack; 1 for a full budget.
double labelled_share(const DdosTask& task);

}  // namespace netflowgen::eval
