// Traffic -> one page: what network this is, what happened on it, what is unusual, how good the data are.
//
//   flows : a first reading makes a survey and the guess of the network's own addresses; a second one builds the series of the
//           nodes that are watched and runs the detector of the live path over it (as `replay` does)
//   store : (rates become one first) the totals of all nodes in one pass over the shards, then the frames of those watched
//
// One thread calls; the engine uses its own. The same input and model give the same page. Nothing is printed here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/stop.h"
#include "base/time.h"
#include "detect/alert_record.h"
#include "flow/decoder/decoder.h"
#include "flow/source.h"
#include "infer/engine.h"
#include "model/evidence.h"
#include "report/network_series.h"
#include "report/node_guess.h"
#include "report/survey.h"
#include "report/truth.h"
#include "report/unusual.h"
#include "report/watch_list.h"
#include "serve/detect_setup.h"
#include "serve/finite_input.h"

namespace netflowgen::report {

struct ReportOptions {
  std::vector<std::string> inputs;  // as the user named them, for the page
  std::string model;                // folder; empty: nothing is scored
  std::string policy;               // YAML of policies; empty: none
  int threads = 0;                  // 0: all cores
  size_t max_nodes = 0;             // nodes scored at most; 0: as many as time and memory allow
  base::TimeMs now_ms = 0;          // flows that end after it are of the future
  std::string program;              // name and version, for the page
  base::fs::path temporary;         // a folder for what memory does not hold; exists
  const base::StopFlag* stop = nullptr;
  base::ProgressFn progress;
};

struct FlowInput {
  serve::OpenSource open;          // the same flows each time that it is called
  series::SeriesOptions series;    // its step is set here
  std::optional<int64_t> step_ms;  // asked for by the user
  bool nodes_named = false;        // series.nodes is what the user asked for; else they are guessed
  bool in_any_order = true;        // false: the user set the lateness
};

// A line of a table: an address, a port, a protocol, an exporter.
struct Ranked {
  std::string name;
  Volume in;   // of addresses: received; of others: all
  Volume out;  // of addresses
  uint64_t total() const { return in.bytes + out.bytes; }
};

struct ExporterRow {
  std::string name;
  ExporterVolume figures;
};

// A field that features are made of.
struct FieldShare {
  std::string name;
  std::string features;  // that are missing without it
  double share = 0;      // of records that have it
};

// What the flows, beside the series, tell; absent for stores.
struct FlowFigures {
  Volume total;
  uint64_t records = 0;
  uint64_t addresses = 0;
  uint64_t forgotten = 0;
  uint64_t forgotten_flows = 0;
  NodeGuess own;
  bool nodes_named = false;
  std::string named;          // the user's options, as text
  std::vector<Ranked> nodes;  // own, busiest first
  std::vector<Ranked> peers;  // outside, busiest first; empty where all addresses are own
  std::vector<Ranked> services;
  std::vector<Ranked> protocols;
  std::vector<ExporterRow> exporters;
  std::vector<FieldShare> fields;
  uint64_t future = 0;
  uint64_t instant = 0;
  int64_t longest_ms = 0;
  int64_t most_back_ms = 0;
  Repeats repeats;
  std::vector<flow::ExporterReport> decoded;  // of packets
  bool two_readings = true;
};

struct ModelFigures {
  std::string name;     // of its folder
  std::string why;      // why nothing was scored; empty: it was
  uint64_t scored = 0;  // frames
  uint64_t nodes = 0;
  int64_t window = 0;
  int64_t learning_steps = 0;
  double low = 0;  // quantiles of the band
  double high = 1;
  double false_alarms = 0;  // promised, per node and day
  std::string card;         // first lines
};

struct ReportData {
  std::vector<std::string> inputs;
  std::string program;
  std::string kind;  // "flows", "store"
  int64_t step_ms = 60'000;
  std::string timezone = "UTC";
  base::TimeMs first_ms = 0;
  base::TimeMs last_ms = 0;
  int64_t first_step = 0;  // [first, end)
  int64_t end_step = 0;
  std::optional<FlowFigures> flows;
  uint64_t nodes = 0;  // of a store
  WatchList watched;
  std::vector<NetworkStep> network;
  ModelFigures model;
  detect::AlertList alerts;
  std::vector<SurprisingStep> unusual;
  std::vector<bool> missing;        // [kFeatureCount] features without one value in all watched nodes
  std::vector<Ranked> store_nodes;  // of a store, busiest first
  serve::InputOutcome outcome;      // ledgers, bad lines, warnings
  std::vector<std::pair<std::string, uint64_t>> notes;
  uint64_t spread = 0;                      // flows over several steps
  std::optional<Truth> truth;               // of a simulated network
  std::optional<model::Evidence> evidence;  // of the model; shown beside the truth
};

// Error: the input cannot be opened or holds no flow; a model that cannot be read.
ReportData report_of_flows(const FlowInput& input, const ReportOptions& options);
// A series store. Error: it cannot be read or is empty.
ReportData report_of_store(const std::string& store, const ReportOptions& options);

// The page, complete in itself: HTML with style, drawings and a small script.
std::string report_page(const ReportData& data);

}  // namespace netflowgen::report
