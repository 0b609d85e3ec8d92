// The networks that a universal model learns from, as corpus.yaml names them: simulated ones, drawn at random with the truth
// about every attack, and series stores. What was simulated is kept in a folder, so that a second run reads it.
//
// Invariants: 1. The same file gives the same networks, on any machine and with any number of threads. 2. Networks for
// validation are never trained on, and what `validation.leave_out` names is in them alone.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/stop.h"
#include "learn/corpus.h"
#include "sim/draw.h"
#include "study/synthetic_rates.h"

namespace netflowgen::study {

// A store of real traffic. Nothing is known about its attacks.
struct CorpusStore {
  std::string path;
  std::string period;         // FROM/TO; empty: all
  std::string exclude_nodes;  // file of nodes to leave out, one a line; empty: none
  double weight = 1;
};

struct CorpusSpec {
  uint64_t seed = 1;
  // Simulated networks.
  int64_t networks = 120;
  int64_t validation = 12;
  int64_t max_hosts = 120;
  int64_t max_records = 1'000'000;
  int64_t min_duration_ms = 43'200'000;
  int64_t max_duration_ms = 172'800'000;
  std::vector<int64_t> steps_ms = {60'000};  // one is drawn for each network
  double partial = 0.4;     // share of sampled networks whose source gives a part of the features
  sim::LeaveOut leave_out;  // of training
  std::vector<CorpusStore> stores;
  SyntheticSpec synthetic;  // of training only
};

// Error: what is wrong in which line, with the nearest known key.
CorpusSpec load_corpus_spec(const std::string& path);

struct Corpus {
  std::vector<std::string> types;  // of attacks; AttackSpan::type is an index
  std::vector<std::string>
      kinds;  // of what looks like attacks; of CorpusNetwork::lookalikes the type is an index
  std::vector<learn::CorpusNetwork> train;
  std::vector<learn::CorpusNetwork> validation;
  std::vector<std::string> roles;             // classes
  std::vector<std::vector<int>> train_roles;  // [network][node], -1: not known
  std::vector<std::vector<int>> validation_roles;
};

// Which networks are read: every size-th, from the rank-th on, of those to learn from and of those for validation alike. The
// others keep their places and are `elsewhere`.
struct CorpusShare {
  int rank = 0;
  int size = 1;
  bool stores = true;  // false: none of them is read, nor are synthetic rates

  bool has(size_t index) const { return index % static_cast<size_t>(size) == static_cast<size_t>(rank); }
};

// Reads the networks from `folder`, and simulates those that are not there yet. Throws base::Stopped when asked to stop; what
// is complete stays.
Corpus load_corpus(const CorpusSpec& spec, const base::fs::path& folder, const base::StopFlag& stop,
                   const base::ProgressFn& progress, const CorpusShare& share = {});

// The network as a source that counts connections only sees it. A scan of one host is an attack there: a flood of small
// connections from one source looks the same, and those who label such logs name both. A few connections are none, whatever
// their packets: programs that poll make as many.
void count_connections(const std::vector<std::string>& kinds, learn::CorpusNetwork& network);

// Indexes of the table's nodes whose names are not lines of the file. Error when that leaves none.
std::vector<size_t> nodes_not_in(const series::FrameTable& table, const std::string& file);

// The features that a kind of source gives: what a network of `kind` keeps. kAllFeatures first.
enum class SourceKind : uint8_t { kAllFeatures, kNoPorts, kConnections, kVolumes, kRates, kTotals, kCount };
// Those that give a part and are not connection counts, in turn.
inline constexpr size_t kOtherSources = 4;
SourceKind other_source(size_t index);
void hide_features(SourceKind kind, series::FrameTable& table);
// What is left where the exporter sees one direction only, as a router that samples what enters on its uplinks: steps with
// flows to the node, and nothing from it.
void keep_inbound(series::FrameTable& table);

}  // namespace netflowgen::study
