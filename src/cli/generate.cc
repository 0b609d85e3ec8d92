// netflowgen generate: a store's nodes go on, or are imitated, as the model says; frames to a store, and flow records that add up to them.
#include "sim/generate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options/decode_options.h"
#include "cli/options/detect_options.h"
#include "cli/options/period_option.h"
#include "flow/open.h"
#include "flow/write/csv_writer.h"
#include "series/store.h"
#include "sim/frame_flows.h"
#include "sim/record_pool.h"

namespace netflowgen::cli {
namespace {

struct GenerateArgs {
  std::string store;
  std::string model;
  std::string out;
  std::string flows;
  std::vector<std::string> like;
  std::string duration = "1d";
  std::string history;
  int64_t count = 0;
  std::string prefix;
  sim::GenerateOptions options;
};

constexpr int64_t kMostSteps = 100'000'000;

series::FrameTable history_of(const GenerateArgs& a) {
  const auto info = series::read_store_info(a.store);
  const StepPeriod period = parse_period(a.history, info.step_ms, "--history");
  series::FrameFilter filter;
  if (period.from != INT64_MIN) filter.from_ms = period.from * info.step_ms;
  if (period.to != INT64_MAX) filter.to_ms = period.to * info.step_ms;
  auto table = series::load_frames(a.store, filter);
  if (table.rows() == 0)
    throw base::Error("{} has no active step{}; nothing was written", a.store,
                      a.history.empty() ? "" : " in --history");
  return table;
}

// Addresses of the prefix, each after a node that is drawn.
std::vector<sim::GeneratedNode> drawn_nodes(const GenerateArgs& a, const series::FrameTable& table) {
  const auto prefix = base::Prefix::parse(a.prefix);
  if (!prefix) throw base::UsageError("--prefix: '{}' is not a prefix, e.g. 10.0.0.0/16", a.prefix);
  const unsigned host_bits = 128u - prefix->length;
  if (host_bits < 62 && a.count > (int64_t{1} << host_bits) - 2)
    throw base::UsageError("--prefix: {} has fewer than {} addresses for hosts", a.prefix, a.count);
  base::Random random(base::mix64(a.options.seed));
  std::vector<sim::GeneratedNode> nodes;
  for (int64_t i = 0; i < a.count; ++i) {
    base::IpAddr address = prefix->address;
    auto number = static_cast<uint64_t>(i) + 1;
    for (size_t byte = 15; number > 0; --byte, number >>= 8)
      address.bytes[byte] = static_cast<uint8_t>(address.bytes[byte] + (number & 0xff));
    nodes.push_back({random.below(table.nodes.size()), address.to_string()});
  }
  return nodes;
}

// Real records of the history's nodes, that those generated are made after.
std::unique_ptr<sim::RecordPool> pool_of(const GenerateArgs& a, std::span<const std::string> nodes,
                                         const Context& context) {
  if (a.like.empty()) return nullptr;
  auto pool = std::make_unique<sim::RecordPool>(nodes, a.options.seed);
  flow::InputOptions options;
  options.paths = a.like;
  const auto source = flow::open_flows(options);
  const auto progress = progress_printer(context, "records");
  std::vector<flow::Flow> flows(4096);
  for (size_t n = source->read(flows); n > 0; n = source->read(flows)) {
    if (context.stop.requested()) throw base::Stopped("stopped while reading records; nothing was written");
    for (const auto& f : std::span(flows).first(n)) pool->add(f);
    progress({"kB", source->bytes_done() / 1000, source->bytes_total() / 1000,
              fmt::format("{} records", pool->added())});
  }
  if (pool->added() == 0)
    throw base::Error("{} has no record of a node of {} with protocol and packets", a.like.front(), a.store);
  return pool;
}

// The generated store's frames by step, as records in the order of time.
uint64_t write_flows(const GenerateArgs& a, const series::FrameTable& history, const sim::RecordPool* pool,
                     const Context& context) {
  const auto table = series::load_frames(a.out, {});
  sim::FrameFlows maker(table.nodes, table.step_ms, a.options.seed, pool);
  for (const auto& node : a.options.nodes) {
    const auto source = base::IpAddr::parse(history.nodes[node.source]);
    if (source) maker.set_like(*base::IpAddr::parse(node.name), *source);
  }
  std::vector<base::IpAddr> addresses;
  for (const auto& name : table.nodes) addresses.push_back(*base::IpAddr::parse(name));
  std::vector<size_t> node_of(table.rows());
  for (size_t n = 0; n < table.nodes.size(); ++n)
    std::fill(node_of.begin() + static_cast<std::ptrdiff_t>(table.offsets[n]),
              node_of.begin() + static_cast<std::ptrdiff_t>(table.offsets[n + 1]), n);
  flow::CsvFlowWriter writer(a.flows, flow::kCsvCore | flow::kCsvFlows);
  const auto order = series::rows_by_step(table);
  const auto progress = progress_printer(context, "flows");
  std::vector<flow::Flow> flows;
  uint64_t written = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (context.stop.requested())
      throw base::Stopped("stopped; the frames are in {}, no flows were written", a.out);
    const size_t row = order[i];
    maker.make(addresses[node_of[row]], table.steps[row], table.frame(row), flows);
    if (i + 1 < order.size() && table.steps[order[i + 1]] == table.steps[row]) continue;
    std::stable_sort(flows.begin(), flows.end(),
                     [](const auto& x, const auto& y) { return x.start_ms < y.start_ms; });
    writer.write(flows);
    written += flows.size();
    flows.clear();
    progress({"frames", i + 1, order.size(), fmt::format("{} records", written)});
  }
  writer.close();
  return written;
}

int64_t steps_of(const GenerateArgs& a, int64_t step_ms) {
  const int64_t duration = duration_ms(a.duration, "--duration");
  const int64_t steps = duration / step_ms;
  if (steps < 1)
    throw base::UsageError("--duration: {} is shorter than a step of the store ({:g} s)", a.duration,
                           static_cast<double>(step_ms) / 1000);
  if (steps > kMostSteps)
    throw base::UsageError("--duration: {} are more than {} steps", a.duration, kMostSteps);
  return steps;
}

void run_generate(GenerateArgs a, const Context& context) {
  if (!a.prefix.empty() && a.count == 0)
    throw base::UsageError("--prefix names the nodes of --count; without it nodes keep their names");
  if (!a.like.empty() && a.flows.empty()) throw base::UsageError("--like is for the records of --flows");
  if (series::is_store(a.out))
    throw base::Error("{} already holds a series store: name another folder", a.out);
  if (a.prefix.empty()) a.prefix = "10.0.0.0/16";
  a.model = model_or_shipped(a.model);
  const auto table = history_of(a);
  a.options.steps = steps_of(a, table.step_ms);
  if (a.count > 0) a.options.nodes = drawn_nodes(a, table);
  if (!a.flows.empty() && a.count == 0)
    sim::FrameFlows(table.nodes, table.step_ms, 0);  // refuses nodes that are no addresses
  const auto pool = pool_of(a, table.nodes, context);
  infer::ModelOptions model_options;
  model_options.step_ms = table.step_ms;
  const auto model = infer::Model::load(a.model, model_options);
  series::StoreWriter writer(
      a.out, {.step_ms = table.step_ms,
              .timezone = table.timezone,
              .choice = a.count > 0 ? series::NodeChoice{a.prefix, "", false, false} : table.choice});
  const int64_t first = table.end_step;
  const auto counts = sim::generate(
      model, table, a.options,
      [&](const std::string& node, int64_t step, std::span<const float> frame) {
        writer.add(node, step, frame);
      },
      context.stop, progress_printer(context, "generate"));
  if (counts.frames == 0)
    throw base::Error("every node stayed silent for {}; nothing was written", a.duration);
  writer.cover(first, first + a.options.steps);
  writer.flush();
  fmt::print("{}: {} frames of {} nodes, {} to {}; {} nodes stayed silent; learned from {} active steps\n",
             a.out, counts.frames, counts.nodes, base::format_time(first * table.step_ms),
             base::format_time((first + a.options.steps) * table.step_ms), counts.silent, counts.learned);
  if (!a.flows.empty()) fmt::print("{}: {} records\n", a.flows, write_flows(a, table, pool.get(), context));
}

}  // namespace

void add_generate(Command& app, Context& context) {
  auto a = std::make_shared<GenerateArgs>();
  auto* c = app.add_subcommand("generate", "Make series, and flow records that add up to them, by the model");
  c->add_option("store", a->store, "Series store whose nodes go on, or are imitated")->required();
  c->add_option("-o,--out", a->out, "The store to write, a folder")->required();
  c->add_option("--flows", a->flows, "Also write flow records: a CSV file, .zst or .gz compresses it");
  c->add_option(
      "--like", a->like,
      "Real flow records of the store's nodes, any input of `series`: those generated are made after them");
  c->add_option("--model", a->model, "Model folder [the one that comes with the program]");
  c->add_option("--duration", a->duration, "How much to generate, from the end of the history on")
      ->capture_default_str();
  c->add_option("--history", a->history, "FROM/TO: what the model sees of the store [all]");
  c->add_option("--count", a->count,
                "That many nodes, each after one that is drawn [every node of the store goes on]")
      ->check(kPositive);
  c->add_option("--prefix", a->prefix, "Their addresses [10.0.0.0/16]");
  c->add_option("--seed", a->options.seed, "The same seed gives the same series and records")
      ->capture_default_str();
  c->add_option("--threads", a->options.threads, "0: all cores; the result does not depend on it")
      ->capture_default_str();
  c->add_option("--keep", a->options.history,
                "Active steps of a node, the latest, whose ranks are drawn from")
      ->check(kPositive)
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_option("--run", a->options.run, "Mean number of steps in a row whose ranks are taken in order")
      ->check(in_range(1.0, 1e6))
      ->capture_default_str()
      ->group(kAdvancedGroup);
  c->add_flag("--independent", a->options.independent,
              "Draw each feature by itself, as the comparison of docs/generate.md does")
      ->group(kAdvancedGroup);
  c->footer("Example: netflowgen generate store --duration 1d -o generated --flows generated.csv.zst");
  c->callback([a, &context] { run_generate(*a, context); });
}

}  // namespace netflowgen::cli
