// netflowgen generate: a store's nodes go on, or are imitated, as the model says; frames to a store, and flow records that add up to them.
#include "sim/generate.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options/decode_options.h"
#include "cli/options/detect_options.h"
#include "cli/options/period_option.h"
#include "series/store.h"
#include "sim/generated_records.h"

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

int64_t steps_of(const GenerateArgs& a, int64_t step_ms) {
  const int64_t duration = duration_ms(a.duration, "--duration");
  const int64_t steps = duration / step_ms;
  if (steps < 1)
    throw base::UsageError("--duration: {} is shorter than a step of the store ({:g} s)", a.duration,
                           static_cast<double>(step_ms) / 1000);
  if (steps > sim::kMostGeneratedSteps)
    throw base::UsageError("--duration: {} are more than {} steps", a.duration, sim::kMostGeneratedSteps);
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
  if (a.count > 0) a.options.nodes = sim::draw_nodes(table, a.count, a.prefix, a.options.seed);
  std::optional<sim::GeneratedRecords> records;
  if (!a.flows.empty())
    records.emplace(table, a.options, a.like, context.stop, progress_printer(context, "records"));
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
  if (records)
    fmt::print("{}: {} records\n", a.flows,
               records->write(series::load_frames(a.out, {}), a.flows, context.stop,
                              progress_printer(context, "flows")));
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
