// netflowgen embed: a vector per node or per step, to safetensors.
#include <fmt/format.h>

#include "base/error.h"
#include "base/safetensors.h"
#include "cli/commands.h"
#include "cli/options/learn_options.h"
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
void save_nodes(const EmbedOptions& o, const series::FrameTable& table, const learn::FeatureCache& bank) {
  std::vector<float> mean(table.nodes.size() * bank.hidden);
  std::vector<int64_t> count(table.nodes.size());
  std::string names;
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (bank.kept[r] < 0) continue;
      ++count[n];
      const float* z = bank.z.data() + static_cast<size_t>(bank.kept[r]) * bank.width();
      for (size_t k = 0; k < bank.hidden; ++k) mean[n * bank.hidden + k] += z[k];
    }
    for (size_t k = 0; k < bank.hidden && count[n] > 0; ++k)
      mean[n * bank.hidden + k] /= static_cast<float>(count[n]);
    names += table.nodes[n] + "\n";
  }
  const auto nodes = static_cast<int64_t>(table.nodes.size());
  base::save_safetensors(
      o.out,
      {{"embedding", base::tensor_view<float>(mean, {nodes, static_cast<int64_t>(bank.hidden)})},
       {"steps", base::tensor_view<int64_t>(count, {nodes})}},
      {{"nodes", names}, {"model", o.model}});
  fmt::print("{} vectors of {} numbers written to {}\n", nodes, bank.hidden, o.out);
}

void save_steps(const EmbedOptions& o, const series::FrameTable& table, const learn::FeatureCache& bank) {
  std::vector<float> hidden;
  std::vector<float> surprise;
  std::vector<float> dense;
  std::vector<int64_t> steps;
  std::vector<uint32_t> nodes;
  std::string names;
  for (size_t n = 0; n < table.nodes.size(); ++n) {
    names += table.nodes[n] + "\n";
    for (size_t r = table.offsets[n]; r < table.offsets[n + 1]; ++r) {
      if (bank.kept[r] < 0) continue;
      const float* z = bank.z.data() + static_cast<size_t>(bank.kept[r]) * bank.width();
      hidden.insert(hidden.end(), z, z + bank.hidden);
      surprise.insert(surprise.end(), z + bank.hidden, z + bank.hidden + bank.surprise);
      dense.insert(dense.end(), z + bank.hidden + bank.surprise, z + bank.width());
      steps.push_back(table.steps[r]);
      nodes.push_back(static_cast<uint32_t>(n));
    }
  }
  const auto rows = static_cast<int64_t>(steps.size());
  const auto matrix = [&](const std::vector<float>& values, size_t width) {
    return base::tensor_view<float>(values, {rows, static_cast<int64_t>(width)});
  };
  base::NamedTensors tensors = {{"embedding", matrix(hidden, bank.hidden)},
                                {"surprise", matrix(surprise, bank.surprise)},
                                {"dense", matrix(dense, bank.dense)},
                                {"step", base::tensor_view<int64_t>(steps, {rows})},
                                {"node", base::tensor_view<uint32_t>(nodes, {rows})}};
  if (!bank.inject.empty()) tensors.emplace_back("inject", matrix(bank.inject, 1));
  base::save_safetensors(o.out, tensors,
                         {{"nodes", names}, {"model", o.model}, {"step_ms", std::to_string(table.step_ms)}});
  fmt::print("{} vectors of {} numbers written to {}\n", rows, bank.hidden, o.out);
}

void run_embed(const EmbedOptions& o, const Context& context) {
  const learn::Backbone backbone(o.model, o.device, o.threads);
  const auto table = series::load_frames(o.store, {});
  learn::ScanOptions scan;
  scan.range = parse_range(o.period, table.step_ms, "--period");
  const auto bank = backbone.scan(table, scan, context.stop, progress_printer(context, "embed"));
  if (bank.count() == 0)
    throw base::Error("{} has no active step in the period; nothing was written", o.store);
  o.per == "node" ? save_nodes(o, table, bank) : save_steps(o, table, bank);
}

}  // namespace

void add_embed(CLI::App& app, Context& context) {
  auto o = std::make_shared<EmbedOptions>();
  auto* c = app.add_subcommand("embed", "Write the model's vectors of nodes or steps, as safetensors");
  c->add_option("store", o->store, "Series store")->required();
  c->add_option("--model", o->model, "Model folder")->required();
  c->add_option("-o,--out", o->out, "File to write")->required();
  c->add_option("--per", o->per, "node (mean over its active steps) or step")
      ->check(CLI::IsMember({"node", "step"}))
      ->capture_default_str();
  c->add_option("--period", o->period, "FROM/TO (default: all)");
  c->add_option("--device", o->device, "cpu, cuda or cuda:N")->capture_default_str();
  c->add_option("--threads", o->threads, "0: all cores")->capture_default_str();
  c->footer("Example: netflowgen embed store --model model --per node -o nodes.safetensors");
  c->callback([o, &context] { run_embed(*o, context); });
}

}  // namespace netflowgen::cli
