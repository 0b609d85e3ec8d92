// The page's figures from flows.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "flow/protocol.h"
#include "flow/service.h"
#include "report/report.h"
#include "report/scoring.h"
#include "series/arrival.h"
#include "series/node_choice.h"

namespace netflowgen::report {
namespace {

constexpr size_t kRows = 15;  // of each table
constexpr size_t kBatch = 1024;
// Of open steps. One node needs little, but a step has 2 MiB at least, and a long flow keeps many open.
constexpr size_t kNodesBytes = size_t{768} << 20;
constexpr size_t kNetworkBytes = size_t{256} << 20;
constexpr int64_t kFewSteps = 60;

struct FirstReading {
  Survey survey;
  std::shared_ptr<const series::ArrivalPlan> plan;
};

std::string flows_note(uint64_t flows, const char* what) { return fmt::format("{} flows, {}", flows, what); }

void report_progress(const ReportOptions& o, const flow::FlowSource& source, uint64_t flows,
                     const char* what) {
  if (o.progress)
    o.progress({"kB", source.bytes_done() / 1000, source.bytes_total() / 1000 + 1, flows_note(flows, what)});
}

// An error of the source ends the reading; the second one meets it again and says so.
FirstReading read_first(const FlowInput& input, const series::SeriesOptions& series, const ReportOptions& o) {
  FirstReading first{Survey(series, o.now_ms), nullptr};
  series::ArrivalMeter meter(series);
  const auto source = input.open();
  std::vector<flow::Flow> batch(kBatch);
  serve::InputOutcome outcome;
  uint64_t flows = 0;
  serve::read_until_end(*o.stop, outcome, [&] {
    const size_t n = source->read(batch);
    meter.add({batch.data(), n});
    first.survey.add({batch.data(), n});
    flows += n;
    report_progress(o, *source, flows, "first reading");
    return n > 0 || source->waiting();
  });
  if (outcome.stopped) throw base::Stopped("stopped; no page was written");
  auto plan = meter.finish();
  if (input.in_any_order && !plan.stairs.empty())
    first.plan = std::make_shared<const series::ArrivalPlan>(std::move(plan));
  return first;
}

bool only_hosts(const series::NodeOptions& nodes) {
  return !nodes.interfaces && !nodes.as && nodes.prefixes.empty() && nodes.v4_lengths.empty() &&
         nodes.v6_lengths.empty();
}

// Which addresses are own: named by the user, or guessed.
NodeGuess own_of(const FlowInput& input, const Survey& survey) {
  if (!input.nodes_named) return guess_nodes(survey);
  const auto& nodes = input.series.nodes;
  auto prefixes = nodes.hosts;
  prefixes.insert(prefixes.end(), nodes.prefixes.begin(), nodes.prefixes.end());
  return describe_nodes(survey, prefixes);
}

WatchList watched_of(const FlowInput& input, const Survey& survey, const NodeGuess& own,
                     const WatchBudget& budget) {
  if (!input.nodes_named || only_hosts(input.series.nodes)) return choose_watched(survey, own, budget);
  WatchList list;
  list.nodes = input.series.nodes;
  return list;
}

// What sees the flows of the second reading before the builder of the nodes gets them.
class SecondTap {
 public:
  SecondTap(FirstReading& first, const NodeGuess& own, const series::SeriesOptions& options,
            NetworkSeries& network)
      : first_(first),
        own_(prefixes_of(own)),
        all_(own.prefixes.empty()),
        builder_(network_options(options), network) {}

  void flows(std::span<const flow::Flow> flows) {
    network_.clear();
    for (const auto& f : flows) {
      take_back_astray(f);
      network_.push_back(as_network(f, own_, all_));
    }
    builder_.add(network_);
  }
  void finish() { builder_.finish(); }
  const series::SeriesBuilder& builder() const { return builder_; }

 private:
  static std::vector<base::Prefix> prefixes_of(const NodeGuess& own) {
    std::vector<base::Prefix> prefixes;
    for (const auto& p : own.prefixes) prefixes.push_back(p.prefix);
    return prefixes;
  }
  static series::SeriesOptions network_options(series::SeriesOptions options) {
    options.nodes = network_nodes();
    if (options.memory_bytes > 0) options.memory_bytes = kNetworkBytes;
    return options;
  }
  void take_back_astray(const flow::Flow& f) {
    const uint64_t number = seen_++;
    if (first_.plan == nullptr || next_astray_ >= first_.plan->astray.size()) return;
    if (first_.plan->astray[next_astray_] != number) return;
    ++next_astray_;
    first_.survey.remove(f);
  }

  FirstReading& first_;
  series::AddressSet own_;
  bool all_;
  series::SeriesBuilder builder_;
  std::vector<flow::Flow> network_;
  uint64_t seen_ = 0;
  size_t next_astray_ = 0;
};

class NoSink : public series::FrameSink {
 public:
  void frame(const series::NodeKey&, int64_t, std::span<const float>) override {}
};

std::vector<Ranked> ranked(std::vector<Ranked> rows) {
  std::sort(rows.begin(), rows.end(), [](const Ranked& a, const Ranked& b) {
    const uint64_t flows_a = a.in.flows + a.out.flows;
    const uint64_t flows_b = b.in.flows + b.out.flows;
    if (a.total() != b.total()) return a.total() > b.total();
    return flows_a != flows_b ? flows_a > flows_b : a.name < b.name;
  });
  if (rows.size() > kRows) rows.resize(kRows);
  return rows;
}

// The busiest addresses inside, or outside, the own prefixes.
std::vector<Ranked> addresses_of(const Survey& survey, const NodeGuess& own, bool inside) {
  std::vector<std::pair<uint64_t, base::IpAddr>> all;
  for (const auto& [address, v] : survey.addresses()) {
    const bool is_own =
        own.prefixes.empty() || std::any_of(own.prefixes.begin(), own.prefixes.end(),
                                            [&](const auto& p) { return p.prefix.contains(address); });
    if (is_own == inside && v.flows() > 0)
      all.emplace_back(survey.total().bytes > 0 ? v.bytes() : v.flows(), address);
  }
  const size_t n = std::min(kRows, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(),
                    [](const auto& a, const auto& b) {
                      return a.first != b.first ? a.first > b.first : a.second < b.second;
                    });
  std::vector<Ranked> rows;
  for (size_t i = 0; i < n; ++i) {
    const auto& v = survey.addresses().at(all[i].second);
    rows.push_back({all[i].second.to_string(), v.in, v.out});
  }
  return rows;
}

std::vector<Ranked> services_of(const Survey& survey) {
  std::vector<Ranked> rows;
  const auto add = [&](const std::vector<Volume>& table, uint8_t protocol, const char* transport) {
    for (size_t port = 0; port < table.size(); ++port) {
      if (table[port].flows == 0 && table[port].bytes == 0) continue;
      const auto name = flow::service_name(static_cast<uint16_t>(port), protocol);
      rows.push_back(
          {fmt::format("{}/{}{}{}", transport, port, name.empty() ? "" : " ", name), table[port], {}});
    }
  };
  add(survey.tcp_services(), flow::kTcp, "TCP");
  add(survey.udp_services(), flow::kUdp, "UDP");
  return ranked(std::move(rows));
}

std::vector<Ranked> protocols_of(const Survey& survey) {
  std::vector<Ranked> rows;
  for (size_t p = 0; p < survey.protocols().size(); ++p) {
    const auto& v = survey.protocols()[p];
    if (v.flows == 0 && v.bytes == 0) continue;
    const auto name = flow::protocol_name(static_cast<uint8_t>(p));
    rows.push_back({name.empty() ? fmt::format("protocol {}", p) : std::string(name), v, {}});
  }
  if (survey.unknown_protocol().flows > 0) rows.push_back({"not known", survey.unknown_protocol(), {}});
  return ranked(std::move(rows));
}

std::vector<ExporterRow> exporters_of(const Survey& survey) {
  std::vector<ExporterRow> rows;
  for (const auto& [address, figures] : survey.exporters())
    rows.push_back({address.is_zero() ? "not named" : address.to_string(), figures});
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.figures.volume.flows > b.figures.volume.flows;
  });
  return rows;
}

std::vector<FieldShare> fields_of(const Survey& survey) {
  static constexpr std::pair<uint32_t, const char*> kFields[] = {
      {flow::kKnownBytes, "bytes"},
      {flow::kKnownPackets, "packets"},
      {flow::kKnownPorts, "ports"},
      {flow::kKnownProtocol, "protocol"},
      {flow::kKnownTcpFlags, "TCP flags"},
      {flow::kKnownDuration, "end time"},
      {flow::kKnownAddresses, "addresses"},
      {flow::kKnownInterfaces, "interfaces"},
      {flow::kKnownSampling, "sampling rate"},
  };
  std::vector<FieldShare> fields;
  for (const auto& [bit, name] : kFields) {
    FieldShare field{name, "", 0};
    const uint64_t known = survey.known()[static_cast<size_t>(__builtin_ctz(bit))];
    field.share =
        survey.records() == 0 ? 0 : static_cast<double>(known) / static_cast<double>(survey.records());
    for (const auto& f : series::kFeatures) {
      if ((f.needs & bit) != 0) field.features += (field.features.empty() ? "" : ", ") + std::string(f.name);
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

void fill_flow_figures(const Survey& survey, const NodeGuess& own, FlowFigures& f) {
  f.total = survey.total();
  f.records = survey.records();
  f.addresses = survey.addresses().size();
  f.forgotten = survey.forgotten();
  f.forgotten_flows = survey.forgotten_flows();
  f.own = own;
  f.nodes = addresses_of(survey, own, true);
  f.peers = addresses_of(survey, own, false);
  f.services = services_of(survey);
  f.protocols = protocols_of(survey);
  f.exporters = exporters_of(survey);
  f.fields = fields_of(survey);
  f.future = survey.future();
  f.instant = survey.instant();
  f.longest_ms = survey.longest_ms();
  f.most_back_ms = survey.most_back_ms();
  f.repeats = survey.repeats();
}

// Why there is nothing to report.
std::string nothing_text(const serve::InputOutcome& outcome) {
  if (!outcome.failure.empty()) return outcome.failure;
  std::string dropped;
  for (const auto& l : outcome.ledgers) {
    for (const auto& [reason, count] : l.drops)
      dropped += fmt::format("{}{} {} of {}", dropped.empty() ? " (dropped: " : ", ", reason, count, l.stage);
  }
  return "the input has no usable flow, so there is nothing to report" + dropped +
         (dropped.empty() ? "" : ")");
}

// As the user says, else the model's. Short input gets shorter steps, where the model takes any: of a few long ones nothing
// can be told.
int64_t shorter_step(const Survey& survey, int64_t step_ms) {
  const int64_t span = survey.last_ms() - survey.first_ms();
  if (survey.records() == 0 || span >= kFewSteps * step_ms) return step_ms;
  for (const int64_t shorter : {30'000, 10'000, 5'000}) {
    if (shorter < step_ms && (span >= kFewSteps * shorter || shorter == 5'000)) return shorter;
  }
  return step_ms;
}

FirstReading read_first_with_step(const FlowInput& input, series::SeriesOptions& series, Scoring& scoring,
                                  const ReportOptions& o) {
  series.step_ms = input.step_ms.value_or(scoring.own_step_ms());
  FirstReading first = read_first(input, series, o);
  const int64_t step_ms = shorter_step(first.survey, series.step_ms);
  if (!input.step_ms && scoring.any_step() && step_ms < series.step_ms) {
    series.step_ms = step_ms;
    first = read_first(input, series, o);
  }
  scoring.take_step(series.step_ms);
  return first;
}

}  // namespace

ReportData report_of_flows(const FlowInput& input, const ReportOptions& o) {
  Scoring scoring(o);
  auto series = input.series;
  FirstReading first = read_first_with_step(input, series, scoring, o);
  const NodeGuess own = own_of(input, first.survey);
  ReportData data;
  data.kind = "flows";
  data.watched = watched_of(input, first.survey, own, scoring.budget(o.max_nodes));
  NetworkSeries network(scoring.model());
  series.nodes = data.watched.nodes;
  series.nodes.counting_points = input.series.nodes.counting_points;
  if (first.plan != nullptr)
    series = serve::with_plan({{}, {.series = series}, o.temporary, o.stop, {}}, first.plan);
  if (first.plan != nullptr) series.memory_bytes = kNodesBytes;
  NoSink nothing;
  detect::StreamingDetector* stream = scoring.on() ? &scoring.start(data.watched.watched) : nullptr;
  series::FrameSink& sink = stream == nullptr ? static_cast<series::FrameSink&>(nothing) : *stream;
  SecondTap tap(first, own, series, network);
  serve::Pipeline pipeline(input.open(), {.series = series, .full_batches = true}, sink,
                           [&](std::span<const flow::Flow> flows) {
                             tap.flows(flows);
                             if (stream != nullptr) stream->flows(flows);
                           });
  data.outcome = serve::run_to_end(pipeline, *o.stop, [&](bool) {
    report_progress(o, pipeline.source(), pipeline.flows(), "second reading");
  });
  tap.finish();
  const auto& builder = pipeline.builder();
  if (stream != nullptr && builder.end_step() > builder.first_step()) stream->finish(builder.end_step() - 1);
  if (data.outcome.stopped) throw base::Stopped("stopped; no page was written");
  if (first.survey.records() == 0) throw base::Error("{}", nothing_text(data.outcome));
  data.step_ms = series.step_ms;
  data.first_ms = first.survey.first_ms();
  data.last_ms = first.survey.last_ms();
  data.first_step = tap.builder().first_step();
  data.end_step = tap.builder().end_step();
  data.network = network.steps();
  data.model.low = network.low_quantile();
  data.model.high = network.high_quantile();
  data.spread = builder.spread();
  for (const auto& [name, count] : pipeline.source().notes()) data.notes.emplace_back(name, count);
  auto& figures = data.flows.emplace();
  fill_flow_figures(first.survey, own, figures);
  figures.nodes_named = input.nodes_named;
  if (input.nodes_named) figures.named = series::choice_of(input.series.nodes).text();
  if (const auto* decoder = pipeline.source().decoder()) figures.decoded = decoder->exporters();
  data.missing.assign(series::kFeatureCount, false);
  for (size_t f = 0; f < data.missing.size(); ++f) {
    for (uint32_t bits = series::kFeatures[f].needs; bits != 0; bits &= bits - 1)
      data.missing[f] =
          data.missing[f] || first.survey.known()[static_cast<size_t>(__builtin_ctz(bits))] == 0;
  }
  scoring.finish(data);
  data.inputs = o.inputs;
  data.program = o.program;
  return data;
}

}  // namespace netflowgen::report
