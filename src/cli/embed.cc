// netflowgen embed: a vector per node or per step, to safetensors, by the streaming engine.
#include "infer/embed.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/safetensors.h"
#include "cli/commands.h"
#include "cli/options/detect_options.h"
#include "cli/options/period_option.h"
#include "infer/table_scan.h"
#include "series/frame_table.h"
#include "series/store.h"

namespace netflowgen::cli {
namespace {

struct EmbedOptions {
  std::string store;
  std::string model;
  std::string out;
  std::string per = "node";
  std::string period;
  int threads = 0;
};

// What a run has in hand.
struct Embedded {
  const EmbedOptions& options;
  const std::shared_ptr<const infer::Model>& model;
  const series::FrameTable& table;
  const base::StopFlag& stop;
  base::ProgressFn progress;
};

std::string names_of(const series::FrameTable& table) {
  std::string names;
  for (const auto& node : table.nodes) names += node + "\n";
  return names;
}

int64_t size_of(size_t n) { return static_cast<int64_t>(n); }

// Mean of a node's hidden states, [node, d_model], and the number of steps in each.
void save_nodes(const Embedded& run) {
  const auto found = infer::embed_nodes(run.model, run.table, run.options.threads, run.stop, run.progress);
  const int64_t nodes = size_of(run.table.nodes.size());
  base::save_safetensors(run.options.out,
                         {{"embedding", base::tensor_view<float>(found.mean, {nodes, size_of(found.width)})},
                          {"steps", base::tensor_view<int64_t>(found.steps, {nodes})}},
                         {{"nodes", names_of(run.table)}, {"model", run.options.model}});
  fmt::print("{} vectors of {} numbers written to {}\n", nodes, found.width, run.options.out);
}

// A matrix of the file: one of the engine's results, a row of the table each.
struct Matrix {
  const char* name;
  size_t width;
  std::vector<float> infer::Results::*from;
  std::vector<float> values = {};
};

std::vector<Matrix> matrices_of(const infer::Model& model) {
  std::vector<Matrix> all = {
      {"embedding", static_cast<size_t>(model.spec().d_model), &infer::Results::hidden},
      {"surprise", model.encoder().target_sizes().size(), &infer::Results::surprise}};
  if (model.spec().inject) all.push_back({"inject", 1, &infer::Results::inject});
  return all;
}

void save_steps(const Embedded& run) {
  const auto& table = run.table;
  auto matrices = matrices_of(*run.model);
  for (auto& m : matrices) m.values.resize(table.rows() * m.width);
  infer::ScanOptions options;
  options.threads = run.options.threads;
  options.wanted = {.hidden = true, .surprise = true, .tasks = false, .direct = false};
  const auto keep = [&](const infer::ScanResults& found) {
    for (auto& m : matrices) {
      const float* from = (found.results.*m.from).data();
      for (const size_t row : found.rows) {
        std::copy_n(from, m.width, m.values.data() + row * m.width);
        from += m.width;
      }
    }
  };
  infer::scan_table(run.model, table, options, keep, run.stop, run.progress);
  std::vector<uint32_t> nodes;
  for (size_t n = 0; n < table.nodes.size(); ++n)
    nodes.insert(nodes.end(), table.offsets[n + 1] - table.offsets[n], static_cast<uint32_t>(n));
  const int64_t rows = size_of(table.rows());
  base::NamedTensors tensors;
  for (const auto& m : matrices)
    tensors.emplace_back(m.name, base::tensor_view<float>(m.values, {rows, size_of(m.width)}));
  std::vector<float> dense;
  if (run.model->encoder().season() == 0) {
    dense = infer::dense_inputs(*run.model, table);
    tensors.emplace_back("dense",
                         base::tensor_view<float>(dense, {rows, size_of(run.model->encoder().dense())}));
  }
  tensors.emplace_back("step", base::tensor_view<int64_t>(table.steps, {rows}));
  tensors.emplace_back("node", base::tensor_view<uint32_t>(nodes, {rows}));
  base::save_safetensors(
      run.options.out, tensors,
      {{"nodes", names_of(table)}, {"model", run.options.model}, {"step_ms", std::to_string(table.step_ms)}});
  fmt::print("{} vectors of {} numbers written to {}\n", rows, matrices.front().width, run.options.out);
}

// The frames of the period. What was before it is not seen.
series::FrameTable frames_of(const EmbedOptions& o) {
  const int64_t step_ms = series::read_store_info(o.store).step_ms;
  const StepPeriod period = parse_period(o.period, step_ms, "--period");
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  series::FrameFilter filter;
  if (period.from > -kMost / step_ms) filter.from_ms = period.from * step_ms;
  if (period.to < kMost / step_ms) filter.to_ms = period.to * step_ms;
  auto table = series::load_frames(o.store, filter);
  if (table.rows() == 0)
    throw base::Error("{} has no active step in the period; nothing was written", o.store);
  return table;
}

void run_embed(EmbedOptions o, const Context& context) {
  o.model = model_or_shipped(o.model);
  const auto table = frames_of(o);
  infer::ModelOptions options;
  options.step_ms = table.step_ms;
  const auto model = infer::Model::load(o.model, options);
  const Embedded run{o, model, table, context.stop, progress_printer(context, "embed")};
  o.per == "node" ? save_nodes(run) : save_steps(run);
}

}  // namespace

void add_embed(Command& app, Context& context) {
  auto o = std::make_shared<EmbedOptions>();
  auto* c = app.add_subcommand("embed", "Write the model's vectors of nodes or steps, as safetensors");
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Model folder [the one that comes with the program]");
  c->add_option("-o,--out", o->out, "File to write")->required();
  c->add_option("--per", o->per, "node (mean over its active steps) or step")
      ->check(one_of({"node", "step"}))
      ->capture_default_str();
  c->add_option("--period", o->period, "FROM/TO (default: all)");
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen embed store --per node -o nodes.safetensors");
  c->callback([o, &context] { run_embed(*o, context); });
}

}  // namespace netflowgen::cli
