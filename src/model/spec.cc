#include "model/spec.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"

namespace netflowgen::model {
namespace {

struct Size {
  std::string_view name;
  int d_model, layers, heads, kv_heads, d_ff;
};
constexpr Size kSizes[] = {
    {"nano", 64, 3, 4, 2, 176},   {"micro", 128, 4, 4, 2, 352},    {"small", 256, 6, 8, 4, 704},
    {"base", 512, 8, 8, 4, 1408}, {"large", 768, 16, 12, 4, 2048},
};

}  // namespace

const HeadSpec* ModelSpec::task(std::string_view name) const {
  for (const auto& h : tasks) {
    if (h.name == name) return &h;
  }
  return nullptr;
}

ModelSpec ModelSpec::preset_of(std::string_view preset, std::string_view size) {
  ModelSpec s;
  if (preset == "paper") {
    s.input.idle_steps = -1;
    s.input.calendar = token::Calendar::kPaper;
    s.input.dense = false;
    s.input.nodes = 4096;
    s.inject = false;
  } else if (preset == "universal") {
    s.input.universal = true;
    s.input.scales = {300, 1'800, 14'400, 86'400, 604'800};
    s.input.leads = {1, 2, 6, 12, 24, 60, 144, 288};
  } else if (preset != "default") {
    throw base::UsageError("unknown preset '{}'; known: default, paper, universal", preset);
  }
  s.preset = preset;
  for (const auto& z : kSizes) {
    if (z.name != size) continue;
    s.size = size;
    s.d_model = z.d_model;
    s.layers = z.layers;
    s.heads = z.heads;
    s.kv_heads = z.kv_heads;
    s.d_ff = z.d_ff;
    return s;
  }
  throw base::UsageError("unknown size '{}'; known: nano, micro, small, base, large", size);
}

token::TokenOptions ModelSpec::token_options(std::string_view preset) {
  return preset == "paper" ? token::TokenOptions::paper() : token::TokenOptions{};
}

bool has_direct_skip(const ModelSpec& spec) {
  return !spec.input.scales.empty() && !spec.input.leads.empty() && !spec.quantiles.empty();
}

int dense_begin(const ModelSpec& spec, const HeadSpec& head, const token::Encoder& encoder) {
  size_t n = 0;
  if (head.use_hidden) n += static_cast<size_t>(spec.d_model);
  if (head.use_surprise) n += encoder.target_sizes().size();
  return static_cast<int>(n);
}

int head_inputs(const ModelSpec& spec, const HeadSpec& head, const token::Encoder& encoder) {
  return dense_begin(spec, head, encoder) + (head.use_dense ? static_cast<int>(encoder.dense()) : 0);
}

std::vector<TensorSpec> tensors(const ModelSpec& s, const token::Encoder& encoder) {
  const int64_t d = s.d_model;
  const int64_t hd = s.head_dim();
  std::vector<TensorSpec> all;
  all.push_back({"embed.weight", {static_cast<int64_t>(encoder.vocabulary()), d}});
  if (encoder.dense() > 0) all.push_back({"dense_in.weight", {d, static_cast<int64_t>(encoder.dense())}});
  for (int l = 0; l < s.layers; ++l) {
    const std::string at = "layers." + std::to_string(l) + ".";
    all.push_back({at + "attn_norm.weight", {d}});
    all.push_back({at + "attn.qkv.weight", {(s.heads + 2 * s.kv_heads) * hd, d}});
    all.push_back({at + "attn.out.weight", {d, s.heads * hd}});
    all.push_back({at + "ffn_norm.weight", {d}});
    all.push_back({at + "ffn.up.weight", {2 * int64_t{s.d_ff}, d}});
    all.push_back({at + "ffn.down.weight", {d, s.d_ff}});
  }
  const auto targets = static_cast<int64_t>(encoder.target_vocabulary());
  all.push_back({"final_norm.weight", {d}});
  all.push_back({"next.weight", {targets, d}});
  all.push_back({"next.bias", {targets}});
  if (s.inject) {
    all.push_back({"inject.weight", {1, d}});
    all.push_back({"inject.bias", {1}});
  }
  const auto direct = static_cast<int64_t>(s.input.leads.size() * encoder.volumes() * s.quantiles.size());
  if (direct > 0) {
    all.push_back({"direct.weight", {direct, d}});
    all.push_back({"direct.bias", {direct}});
    if (has_direct_skip(s))
      all.push_back({"direct.skip.weight", {direct, static_cast<int64_t>(encoder.dense())}});
  }
  for (const auto& h : s.tasks) {
    const std::string at = "heads." + h.name + ".";
    const int64_t z = head_inputs(s, h, encoder);
    all.push_back({at + "mean", {z}});
    all.push_back({at + "deviation", {z}});
    if (h.hidden > 0) {
      all.push_back({at + "w1", {h.hidden, z}});
      all.push_back({at + "b1", {h.hidden}});
    }
    all.push_back({at + "w2", {h.outputs(), h.hidden > 0 ? h.hidden : z}});
    all.push_back({at + "b2", {h.outputs()}});
    if (h.trees > 0) {
      const int64_t leaves = int64_t{1} << h.tree_depth;
      all.push_back({at + "trees.column", {h.trees, leaves - 1}});
      all.push_back({at + "trees.threshold", {h.trees, leaves - 1}});
      all.push_back({at + "trees.leaf", {h.trees, leaves}});
    }
  }
  return all;
}

int64_t parameter_count(const std::vector<TensorSpec>& tensors) {
  int64_t n = 0;
  for (const auto& t : tensors) {
    int64_t k = 1;
    for (const auto x : t.shape) k *= x;
    n += k;
  }
  return n;
}

ModelFolder::ModelFolder(const base::fs::path& path, int64_t step_ms)
    : path_(path),
      spec_(ModelSpec::from_json(base::read_file(path / "config.json"), (path / "config.json").string())),
      tokenizer_(token::Tokenizer::from_json(base::read_file(path / "tokens.json"),
                                             (path / "tokens.json").string())),
      weights_(path / "model.safetensors") {
  if (step_ms > 0 && step_ms != spec_.input.step_ms) {
    if (!spec_.input.universal) {
      throw base::Error(
          "{} was trained on steps of {} ms, the series has steps of {} ms; make the series with --step {}ms",
          path.string(), spec_.input.step_ms, step_ms, spec_.input.step_ms);
    }
    if (step_ms > base::kDayMs)
      throw base::Error("{} takes steps of up to a day, not of {} ms", path.string(), step_ms);
    spec_.input.step_ms = step_ms;
  }
  const token::Encoder encoder(tokenizer_, spec_.input);
  const auto specs = tensors(spec_, encoder);
  for (const auto& t : specs) {
    const auto& found = weights_.tensor(t.name);
    if (found.shape != t.shape || found.dtype != base::DType::kF32) {
      throw base::Error(
          "{}: tensor {} is not of the shape that config.json and tokens.json imply; the folder mixes "
          "files of two models",
          weights_.path().string(), t.name);
    }
    for (const float x : weights_.values<float>(t.name)) {
      if (!std::isfinite(x)) {
        throw base::Error(
            "{}: tensor {} holds NaN or infinity; the training run diverged, use an older checkpoint",
            weights_.path().string(), t.name);
      }
    }
  }
  for (const auto& h : spec_.tasks) {
    const std::string wrong =
        problem(trees(h), dense_begin(spec_, h, encoder), static_cast<int>(encoder.dense()));
    if (!wrong.empty()) throw base::Error("{}: head {}: {}", weights_.path().string(), h.name, wrong);
  }
  if (base::fs::exists(path / kAdaptersFile)) adapters_ = Adapters(path / kAdaptersFile, specs, weights_);
}

TreesView ModelFolder::trees(const HeadSpec& head) const {
  if (head.trees == 0) return {};
  const std::string at = "heads." + head.name + ".trees.";
  return {head.trees, head.tree_depth, weights_.values<float>(at + "column"),
          weights_.values<float>(at + "threshold"), weights_.values<float>(at + "leaf")};
}

std::span<const float> ModelFolder::values(const std::string& tensor) const {
  const auto it = adapters_.merged().find(tensor);
  return it == adapters_.merged().end() ? weights_.values<float>(tensor) : std::span<const float>(it->second);
}

void save_model(const base::fs::path& path, const ModelSpec& spec, const token::Tokenizer& tokenizer,
                const base::NamedTensors& weights, std::string_view card) {
  std::error_code error;
  base::fs::create_directories(path, error);
  if (error) throw base::Error("cannot create the model folder {}: {}", path.string(), error.message());
  base::save_safetensors(path / "model.safetensors", weights,
                         {{"format", std::to_string(kModelFormat)}, {"schema", series::schema_hash()}});
  base::write_file(path / "tokens.json", tokenizer.to_json());
  base::write_file(path / "config.json", spec.to_json());
  base::write_file(path / "card.md", card);
}

}  // namespace netflowgen::model
