// Labels: which node was under attack when, and of what type. Read from CSV, tied to a table's nodes.
//
// Two forms are read, told apart by their header (docs/tasks.md):
//   node,start,end,type      a node's name or a prefix (every node in it); [start, end), end == start: one
//   step attack,victim,start,end,...,flows,...,victim_internal   as derived for DARPA 1998: times are whole
//   minutes,
//                            the end's minute belongs to the event
// The type "benign" says that the node was not under attack then: the "no" of an operator (docs/detection.md).
// Bad labels (unknown node, end before start, overlap with an earlier one of the same node and type) are
// counted by reason with their first lines, never fatal here; LabelSet::problems says what was left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "base/time.h"
#include "series/frame_table.h"

namespace netflowgen::eval {

using base::TimeMs;
using series::FrameTable;

// [from_ms, to_ms)
struct Period {
  TimeMs from_ms = 0;
  TimeMs to_ms = 0;

  bool contains(TimeMs t) const { return t >= from_ms && t < to_ms; }
  bool empty() const { return to_ms <= from_ms; }
  double days() const { return static_cast<double>(to_ms - from_ms) / 86'400'000.0; }
};

// One attack on one node.
struct Event {
  size_t node = 0;
  TimeMs start_ms = 0;
  TimeMs end_ms = 0;  // exclusive
  std::string type;
  size_t incident = 0;  // events of one type that hit several nodes about the same time share it
  bool sweep = false;   // its incident hit at least LabelOptions::sweep_victims nodes

  // [first, last] steps that the event touches.
  int64_t first_step(int64_t step_ms) const { return base::step_of(start_ms, step_ms); }
  int64_t last_step(int64_t step_ms) const { return base::step_of(end_ms - 1, step_ms); }
};

struct LabelOptions {
  bool internal_only = false;             // keep rows whose `victim_internal` is True
  uint64_t min_flows = 0;                 // keep rows whose `flows` is at least this
  int64_t incident_gap_ms = 10 * 60'000;  // starts closer than this chain into one incident
  size_t sweep_victims = 5;               // an incident of this many nodes is a sweep
};

inline constexpr std::string_view kBenignType = "benign";

struct LabelProblem {
  std::string reason;
  std::string file;   // of the first
  uint64_t line = 0;  // the first
  uint64_t count = 0;
  std::string example;  // that line's node, as written
};

struct LabelSet {
  std::vector<Event> events;  // by start, then node
  std::vector<Event> benign;  // denied: known not to be attacks
  base::LedgerView ledger;    // in = rows, out = rows kept (a prefix's row is one)
  std::vector<LabelProblem> problems;

  // "3 labels left out: 2 unknown node (first on line 7 of FILE: 10.0.0.9), ..."; empty when all is well.
  std::string summary() const;
};

// Error: a file cannot be read or has neither form's columns. Several files are one set: a label that an earlier
// file has too is an overlap.
LabelSet load_labels(const std::vector<std::string>& paths, const FrameTable& table,
                     const LabelOptions& options);
LabelSet load_labels(const std::string& path, const FrameTable& table, const LabelOptions& options);
// The same from text; `name` is used in messages.
LabelSet parse_labels(std::string_view text, const std::string& name, const FrameTable& table,
                      const LabelOptions& options);

// Sets Event::incident and Event::sweep; sorts by start, then node.
void group_incidents(std::vector<Event>& events, const LabelOptions& options);

}  // namespace netflowgen::eval
