#include "study/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "eval/labels.h"
#include "series/store.h"
#include "sim/scenario.h"
#include "sim/simulator.h"
#include "study/simulated_store.h"

namespace netflowgen::study {
namespace {

using learn::AttackSpan;
using learn::CorpusNetwork;

constexpr double kRescaled = 0.15;         // of the networks
constexpr double kInbound = 0.15;          // of the networks: seen in one direction only
constexpr double kUnsampledPartial = 0.7;  // of unsampled networks give a part of the features
constexpr std::string_view kScanOfOne = "vertical_scan";
constexpr int kScanType = 1 << 16;       // as an attack: none of the corpus' types
constexpr float kLeastConnections = 10;  // a minute, of an attack

// What is drawn for one network beside its scenario.
struct Draw {
  std::string name;
  sim::Scenario scenario;
  int64_t step_ms;
  SourceKind source;
  float scale;  // of bytes and packets
  bool inbound;
};

// Collectors that do not know the sampling, and those that count bits: bytes and packets are off by one factor.
void rescale(float factor, series::FrameTable& table) {
  if (factor == 1) return;
  for (const int f : {series::kBytesIn, series::kPacketsIn, series::kBytesOut, series::kPacketsOut}) {
    for (size_t row = 0; row < table.rows(); ++row)
      table.values[row * series::kFeatureCount + static_cast<size_t>(f)] *= factor;
  }
}

// Connection counts are of logs that see every packet, as those of firewalls and Zeek: five connections are five there, and
// stand for a thousand packets or more where packets are sampled. They are the hardest source.
SourceKind draw_source(base::Random& random, bool sampled) {
  if (!sampled && random.chance(0.6)) return SourceKind::kConnections;
  return other_source(random.below(kOtherSources));
}

Draw draw_network(const CorpusSpec& spec, int64_t index, bool validation) {
  base::Random random(base::mix64(spec.seed * 2 + (validation ? 1 : 0)) + static_cast<uint64_t>(index));
  sim::DrawOptions options;
  options.max_hosts = spec.max_hosts;
  options.max_records = spec.max_records;
  options.duration = {{spec.min_duration_ms}, {spec.max_duration_ms}};
  if (!validation) options.leave_out = spec.leave_out;
  Draw d{
      fmt::format("{}{:04}", validation ? "v" : "n", index), {}, 60'000, SourceKind::kAllFeatures, 1, false};
  d.scenario = sim::draw_scenario(random.next(), options);
  d.step_ms = spec.steps_ms[random.below(spec.steps_ms.size())];
  const bool sampled = d.scenario.network.sampling > 1;
  if (random.chance(sampled ? spec.partial : kUnsampledPartial)) d.source = draw_source(random, sampled);
  if (random.chance(kRescaled)) d.scale = static_cast<float>(std::exp(random.uniform(-4, 4)));
  d.inbound = random.chance(kInbound);
  return d;
}

// The file that tells for what a folder was simulated: a change of the corpus or of the simulator's keys makes it anew.
std::string stamp_of(const Draw& d) {
  return fmt::format("# step {} ms, features {}\n{}", d.step_ms, series::schema_hash(),
                     sim::dump_scenario(d.scenario));
}

void simulate(const Draw& d, const base::fs::path& folder, const base::StopFlag& stop) {
  base::fs::remove_all(folder);
  base::fs::create_directories(folder);
  // One thread: a network is small, and threads that wait for each other cost more where the machine is busy.
  simulate_store(d.scenario, {folder / "store", folder / "labels.csv", folder / "roles.csv", d.step_ms, 1},
                 stop, {});
  base::write_file(folder / "scenario.yaml", stamp_of(d));  // last: the folder is complete
}

bool is_complete(const Draw& d, const base::fs::path& folder) {
  const auto path = folder / "scenario.yaml";
  return base::fs::exists(path) && base::read_file(path) == stamp_of(d);
}

// Its place among the names, where it is added at the end if it is new.
int index_of(std::string_view name, std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) {
    names.emplace_back(name);
    return static_cast<int>(names.size()) - 1;
  }
  return static_cast<int>(at - names.begin());
}

std::vector<std::vector<AttackSpan>> spans_of(const series::FrameTable& table, const eval::LabelSet& labels,
                                              std::vector<std::string>& types) {
  std::vector<std::vector<AttackSpan>> spans(table.nodes.size());
  for (const auto& e : labels.events) {
    spans[e.node].push_back(
        {e.first_step(table.step_ms), e.last_step(table.step_ms) + 1, index_of(e.type, types)});
  }
  for (auto& s : spans)
    std::sort(s.begin(), s.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  return spans;
}

// What is planned beside the attacks, on the nodes that the table has.
eval::LabelSet lookalikes_of(const sim::Scenario& scenario, const series::FrameTable& table) {
  std::string text = "node,start,end,type\n";
  const sim::Simulator simulator(scenario, {1});
  for (const auto& e : simulator.benign_events()) {
    text += fmt::format("{},{},{},{}\n", e.node, base::format_time(static_cast<base::TimeMs>(e.start_ms)),
                        base::format_time(static_cast<base::TimeMs>(e.end_ms)), e.kind);
  }
  return eval::parse_labels(text, "benign events", table, {});
}

// node,role,... of roles.csv; -1 for other nodes.
std::vector<int> roles_of(const base::fs::path& file, const series::FrameTable& table,
                          std::vector<std::string>& roles) {
  std::map<std::string, int, std::less<>> by_node;
  const std::string text = base::read_file(file);
  for (size_t at = text.find('\n') + 1; at > 0 && at < text.size();) {  // after the header
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    at = end + 1;
    const size_t comma = line.find(',');
    if (comma == std::string_view::npos) continue;
    const size_t next = line.find(',', comma + 1);
    by_node[std::string(line.substr(0, comma))] = index_of(line.substr(comma + 1, next - comma - 1), roles);
  }
  std::vector<int> all(table.nodes.size(), -1);
  for (size_t n = 0; n < all.size(); ++n) {
    const auto it = by_node.find(table.nodes[n]);
    if (it != by_node.end()) all[n] = it->second;
  }
  return all;
}

CorpusNetwork load_store(const CorpusStore& store) {
  series::FrameFilter filter;
  if (!store.period.empty()) {
    const size_t slash = store.period.find('/');
    const auto from = base::parse_time(std::string_view(store.period).substr(0, slash));
    const auto to = slash == std::string::npos
                        ? from
                        : base::parse_time(std::string_view(store.period).substr(slash + 1));
    if (slash == std::string::npos || !from || !to || *to <= *from)
      throw base::UsageError("{}: the period '{}' is not FROM/TO", store.path, store.period);
    filter.from_ms = *from;
    filter.to_ms = *to;
  }
  CorpusNetwork n{store.path, series::load_frames(store.path, filter), false, {}, {}, store.weight};
  if (!store.exclude_nodes.empty()) n.nodes = nodes_not_in(n.table, store.exclude_nodes);
  n.attacks.resize(n.table.nodes.size());
  return n;
}

}  // namespace

std::vector<size_t> nodes_not_in(const series::FrameTable& table, const std::string& file) {
  std::set<std::string> names;
  std::istringstream lines(base::read_file(file));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty() && line[0] != '#') names.insert(line);
  }
  std::vector<size_t> nodes;
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    if (!names.contains(table.nodes[n])) nodes.push_back(n);
  }
  if (nodes.empty()) throw base::Error("{} leaves no node to learn from", file);
  return nodes;
}

void count_connections(const std::vector<std::string>& kinds, learn::CorpusNetwork& network) {
  hide_features(SourceKind::kConnections, network.table);
  network.least_attack =
      std::max(3.0f, kLeastConnections * static_cast<float>(network.table.step_ms) / 60'000);
  const auto scan = std::ranges::find(kinds, kScanOfOne);
  for (size_t node = 0; node < network.lookalikes.size(); ++node) {
    auto& spans = network.lookalikes[node];
    auto& attacks = network.attacks[node];
    const auto others = std::stable_partition(
        spans.begin(), spans.end(), [&](const AttackSpan& s) { return s.type == scan - kinds.begin(); });
    for (auto s = spans.begin(); s != others; ++s) attacks.push_back({s->from, s->to, kScanType});
    spans.erase(spans.begin(), others);
    std::ranges::stable_sort(attacks, {}, &AttackSpan::from);
  }
}

SourceKind other_source(size_t index) {
  static constexpr std::array<SourceKind, kOtherSources> kOthers = {
      SourceKind::kNoPorts, SourceKind::kVolumes, SourceKind::kRates, SourceKind::kTotals};
  return kOthers[index % kOtherSources];
}

void hide_features(SourceKind kind, series::FrameTable& table) {
  using namespace series;
  std::set<int> keep;
  const auto both = [&](std::initializer_list<int> in) {
    for (const int f : in) keep.insert({f, f + kOutOffset});
  };
  switch (kind) {
    case SourceKind::kAllFeatures:
    case SourceKind::kCount:
      return;
    case SourceKind::kNoPorts:
      both({kBytesIn, kPacketsIn, kFlowsIn, kPacketSizeIn, kDurationIn, kPeersIn, kPeerEntropyIn,
            kTopPeerShareIn, kTcpShareIn, kUdpShareIn, kIcmpShareIn, kOtherShareIn});
      keep.insert(kOutInRatio);
      break;
    case SourceKind::kConnections:
      both({kFlowsIn, kPeersIn, kPeerEntropyIn, kTopPeerShareIn});
      keep.insert(kOutInRatio);
      break;
    case SourceKind::kVolumes:
      both({kBytesIn, kPacketsIn, kFlowsIn, kPacketSizeIn, kPeersIn});
      break;
    case SourceKind::kRates:
      both({kBytesIn, kPacketsIn});
      break;
    case SourceKind::kTotals:
      keep = {kBytesIn, kPacketsIn, kFlowsIn, kPeersIn, kTcpShareIn, kDurationIn};
      break;
  }
  for (int f = 0; f < kFeatureCount; ++f) {
    if (keep.contains(f)) continue;
    table.missing[static_cast<size_t>(f)] = true;
    for (size_t row = 0; row < table.rows(); ++row)
      table.values[row * kFeatureCount + static_cast<size_t>(f)] = std::numeric_limits<float>::quiet_NaN();
  }
}

void keep_inbound(series::FrameTable& table) {
  using namespace series;
  size_t kept = 0;
  size_t row = 0;
  for (size_t node = 0; node < table.nodes.size(); ++node) {
    const size_t end = table.offsets[node + 1];
    table.offsets[node] = kept;
    for (; row < end; ++row) {
      float* frame = table.values.data() + row * kFeatureCount;
      if (!(frame[kFlowsIn] > 0)) continue;
      for (int f = kOutOffset; f < kFeatureCount; ++f) {
        if (!std::isnan(frame[f])) frame[f] = 0;
      }
      std::copy_n(frame, kFeatureCount, table.values.data() + kept * kFeatureCount);
      table.steps[kept++] = table.steps[row];
    }
  }
  table.offsets.back() = kept;
  table.steps.resize(kept);
  table.values.resize(kept * kFeatureCount);
}

namespace {

CorpusNetwork elsewhere(std::string name, double weight) {
  CorpusNetwork n;
  n.name = std::move(name);
  n.weight = weight;
  n.elsewhere = true;
  return n;
}

CorpusNetwork read_network(const Draw& draw, const base::fs::path& at, Corpus& corpus,
                           std::vector<int>& roles) {
  CorpusNetwork n{draw.name, series::load_frames(at / "store"), true, {}, {}, 1};
  const auto labels = eval::load_labels((at / "labels.csv").string(), n.table, {});
  n.attacks = spans_of(n.table, labels, corpus.types);
  roles = roles_of(at / "roles.csv", n.table, corpus.roles);
  n.lookalikes = spans_of(n.table, lookalikes_of(draw.scenario, n.table), corpus.kinds);
  n.sampled = draw.scenario.network.sampling > 1;
  if (draw.source == SourceKind::kConnections)
    count_connections(corpus.kinds, n);
  else
    hide_features(draw.source, n.table);
  rescale(draw.scale, n.table);
  if (draw.inbound) keep_inbound(n.table);
  return n;
}

void add_others(const CorpusSpec& spec, const CorpusShare& share, Corpus& corpus) {
  if (!share.stores) return;
  for (const auto& store : spec.stores) {
    const bool here = share.has(corpus.train.size());
    corpus.train.push_back(here ? load_store(store) : elsewhere(store.path, store.weight));
  }
  for (int64_t k = 0; k < spec.synthetic.networks; ++k) {
    auto network = synthetic_rates(spec.synthetic, spec.seed, k);
    const bool here = share.has(corpus.train.size());
    corpus.train.push_back(here ? std::move(network) : elsewhere(network.name, network.weight));
  }
}

}  // namespace

Corpus load_corpus(const CorpusSpec& spec, const base::fs::path& folder, const base::StopFlag& stop,
                   const base::ProgressFn& progress, const CorpusShare& share) {
  Corpus corpus;
  const int64_t total = spec.networks + spec.validation;
  for (int64_t k = 0; k < total; ++k) {
    if (stop.requested())
      throw base::Stopped("stopped while the networks were read; those in {} are kept", folder.string());
    const bool validation = k >= spec.networks;
    const Draw draw = draw_network(spec, validation ? k - spec.networks : k, validation);
    auto& networks = validation ? corpus.validation : corpus.train;
    auto& roles = validation ? corpus.validation_roles : corpus.train_roles;
    roles.emplace_back();
    if (share.has(networks.size())) {
      const auto at = folder / draw.name;
      if (!is_complete(draw, at)) simulate(draw, at, stop);
      networks.push_back(read_network(draw, at, corpus, roles.back()));
    } else {
      networks.push_back(elsewhere(draw.name, 1));
    }
    if (progress)
      progress({"networks", static_cast<uint64_t>(k + 1), static_cast<uint64_t>(total), draw.name});
  }
  add_others(spec, share, corpus);
  return corpus;
}

}  // namespace netflowgen::study
