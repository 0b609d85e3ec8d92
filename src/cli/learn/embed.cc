// netflowgen embed: a vector per node or per step, to safetensors.
#include <fmt/format.h>

#include "base/error.h"
#include "base/safetensors.h"
#include "cli/commands.h"
#include "cli/learn/learn_options.h"
#include "cli/options/detect_options.h"
#include "learn/feature_cache.h"
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
  std::string device = "cpu";
  int threads = 0;
};

// Mean of a node's hidden states, [node, d_model], and the number of steps in each.
void save_nodes(const EmbedOptions& o, const series::FrameTable& table, const learn::FeatureCache& cache) {
  std::vector<float> mean(table.nodes.size() * cache.hidden);
  std::vector<int64_t> count(table.nodes.size());
  std::string names;
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (cache.kept[r] < 0) continue;
      ++count[n];
      const float* z = cache.z.data() + static_cast<size_t>(cache.kept[r]) * cache.width();
      for (size_t k = 0; k < cache.hidden; ++k) mean[n * cache.hidden + k] += z[k];
    }
    for (size_t k = 0; k < cache.hidden && count[n] > 0; ++k)
      mean[n * cache.hidden + k] /= static_cast<float>(count[n]);
    names += table.nodes[n] + "\n";
  }
  const auto nodes = static_cast<int64_t>(table.nodes.size());
  base::save_safetensors(
      o.out,
      {{"embedding", base::tensor_view<float>(mean, {nodes, static_cast<int64_t>(cache.hidden)})},
       {"steps", base::tensor_view<int64_t>(count, {nodes})}},
      {{"nodes", names}, {"model", o.model}});
  fmt::print("{} vectors of {} numbers written to {}\n", nodes, cache.hidden, o.out);
}

void save_steps(const EmbedOptions& o, const series::FrameTable& table, const learn::FeatureCache& cache) {
  std::vector<float> hidden;
  std::vector<float> surprise;
  std::vector<float> dense;
  std::vector<int64_t> steps;
  std::vector<uint32_t> nodes;
  std::string names;
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    names += table.nodes[n] + "\n";
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (cache.kept[r] < 0) continue;
      const float* z = cache.z.data() + static_cast<size_t>(cache.kept[r]) * cache.width();
      hidden.insert(hidden.end(), z, z + cache.hidden);
      surprise.insert(surprise.end(), z + cache.hidden, z + cache.hidden + cache.surprise);
      dense.insert(dense.end(), z + cache.hidden + cache.surprise, z + cache.width());
      steps.push_back(table.steps[r]);
      nodes.push_back(static_cast<uint32_t>(n));
    }
  }
  const auto rows = static_cast<int64_t>(steps.size());
  const auto matrix = [&](const std::vector<float>& values, size_t width) {
    return base::tensor_view<float>(values, {rows, static_cast<int64_t>(width)});
  };
  base::NamedTensors tensors = {{"embedding", matrix(hidden, cache.hidden)},
                                {"surprise", matrix(surprise, cache.surprise)},
                                {"dense", matrix(dense, cache.dense)},
                                {"step", base::tensor_view<int64_t>(steps, {rows})},
                                {"node", base::tensor_view<uint32_t>(nodes, {rows})}};
  if (!cache.inject.empty()) tensors.emplace_back("inject", matrix(cache.inject, 1));
  base::save_safetensors(o.out, tensors,
                         {{"nodes", names}, {"model", o.model}, {"step_ms", std::to_string(table.step_ms)}});
  fmt::print("{} vectors of {} numbers written to {}\n", rows, cache.hidden, o.out);
}

void run_embed(EmbedOptions o, const Context& context) {
  o.model = model_or_shipped(o.model);
  const learn::Backbone backbone(o.model, o.device, o.threads);
  const auto table = series::load_frames(o.store, {});
  learn::ScanOptions scan;
  scan.range = parse_range(o.period, table.step_ms, "--period");
  const auto cache = backbone.scan(table, scan, context.stop, progress_printer(context, "embed"));
  if (cache.count() == 0)
    throw base::Error("{} has no active step in the period; nothing was written", o.store);
  o.per == "node" ? save_nodes(o, table, cache) : save_steps(o, table, cache);
}

}  // namespace

void add_embed(Command& app, Context& context) {
  auto o = std::make_shared<EmbedOptions>();
  auto* c = app.add_subcommand("embed", kEmbedHelp);
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Model folder [the one that comes with the program]");
  c->add_option("-o,--out", o->out, "File to write")->required();
  c->add_option("--per", o->per, "node (mean over its active steps) or step")
      ->check(one_of({"node", "step"}))
      ->capture_default_str();
  c->add_option("--period", o->period, "FROM/TO (default: all)");
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen embed store --model model --per node -o nodes.safetensors");
  c->callback([o, &context] { run_embed(*o, context); });
}

}  // namespace netflowgen::cli
