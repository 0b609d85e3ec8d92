#include "learn/network/network.h"

#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/error.h"
#include "learn/network/ops.h"

namespace netflowgen::learn {
namespace {

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

torch::Tensor from_vector(const std::vector<float>& values, at::IntArrayRef shape) {
  return torch::from_blob(const_cast<float*>(values.data()), shape, torch::kFloat);
}

}  // namespace

namespace {

// Turns a step of each rotated pair of elements.
std::vector<double> turns_of(const model::ModelSpec& spec) {
  std::vector<double> turns(static_cast<size_t>(spec.head_dim() / 2));
  for (size_t i = 0; i < turns.size(); ++i) {
    turns[i] =
        std::pow(static_cast<double>(spec.rope_base), -2.0 * static_cast<double>(i) / spec.head_dim()) /
        (2 * std::numbers::pi);
  }
  return turns;
}

void add_angles_on_cpu(const WindowBatch& batch, const std::vector<double>& turns, Inputs& in) {
  const auto half = turns.size();
  in.cos = torch::empty({in.windows(), in.length(), 1, static_cast<int64_t>(half)});
  in.sin = torch::empty_like(in.cos);
  float* cos = in.cos.data_ptr<float>();
  float* sin = in.sin.data_ptr<float>();
  for (size_t n = 0; n < batch.windows * batch.length; ++n) {
    for (size_t i = 0; i < half; ++i) {
      const double x = static_cast<double>(batch.steps[n]) * turns[i];
      const double angle = (x - std::floor(x)) * 2 * std::numbers::pi;
      cos[n * half + i] = static_cast<float>(std::cos(angle));
      sin[n * half + i] = static_cast<float>(std::sin(angle));
    }
  }
}

// In double too: steps are large numbers.
void add_angles_on(torch::Device device, const WindowBatch& batch, std::vector<double> turns, Inputs& in) {
  const auto steps = torch::from_blob(const_cast<int64_t*>(batch.steps.data()),
                                      {in.windows(), in.length(), 1, 1}, torch::kLong)
                         .to(device)
                         .to(torch::kDouble);
  const auto x =
      steps * torch::from_blob(turns.data(), {static_cast<int64_t>(turns.size())}, torch::kDouble).to(device);
  const auto angle = (x - x.floor()) * (2 * std::numbers::pi);
  in.cos = angle.cos().to(torch::kFloat);
  in.sin = angle.sin().to(torch::kFloat);
}

}  // namespace

Inputs to_inputs(const WindowBatch& batch, const model::ModelSpec& spec, const token::Encoder& encoder,
                 torch::Device device) {
  const auto b = static_cast<int64_t>(batch.windows);
  const auto t = static_cast<int64_t>(batch.length);
  Inputs in;
  in.ids = torch::from_blob(const_cast<int64_t*>(batch.ids.data()),
                            {b, t, static_cast<int64_t>(encoder.slots())}, torch::kLong)
               .to(device, false, true);
  in.dense = from_vector(batch.dense, {b, t, static_cast<int64_t>(encoder.dense())}).to(device, false, true);
  if (device.is_cpu())
    add_angles_on_cpu(batch, turns_of(spec), in);
  else
    add_angles_on(device, batch, turns_of(spec), in);
  return in;
}

Network::Network(const model::ModelSpec& spec, const token::Encoder& encoder, torch::Device device)
    : spec_(spec), encoder_(&encoder), device_(device), specs_(model::tensors(spec, encoder)) {
  for (const auto& s : specs_)
    weights_.push_back(torch::zeros(s.shape, torch::TensorOptions().device(device)));
  bind_layers();
}

void Network::bind_layers() {
  layers_.clear();
  for (int l = 0; l < spec_.layers; ++l) {
    const std::string at = "layers." + std::to_string(l) + ".";
    layers_.push_back({weight(at + "attn_norm.weight"), weight(at + "attn.qkv.weight"),
                       weight(at + "attn.out.weight"), weight(at + "ffn_norm.weight"),
                       weight(at + "ffn.up.weight"), weight(at + "ffn.down.weight")});
  }
}

torch::Tensor& Network::weight(const std::string& name) {
  for (size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].name == name) return weights_[i];
  }
  throw base::Error("the model has no tensor {}", name);
}

const torch::Tensor& Network::weight(const std::string& name) const {
  return const_cast<Network*>(this)->weight(name);
}

void Network::initialise(uint64_t seed) {
  base::Random random(seed);
  for (size_t i = 0; i < specs_.size(); ++i) {
    const auto& [name, shape] = specs_[i];
    auto values = torch::zeros(shape);
    float* p = values.data_ptr<float>();
    const int64_t n = values.numel();
    if (ends_with(name, "norm.weight") || ends_with(name, ".deviation")) {
      values.fill_(1);
    } else if (shape.size() == 2 && name != "direct.skip.weight") {
      double scale = 1 / std::sqrt(static_cast<double>(shape[1]));
      if (name == "embed.weight") scale = 0.05;
      if (name == "next.weight" || name == "direct.weight" || name == "inject.weight") scale *= 0.2;
      if (ends_with(name, "out.weight") || ends_with(name, "down.weight"))
        scale /= std::sqrt(2.0 * spec_.layers);
      for (int64_t k = 0; k < n; ++k) p[k] = static_cast<float>(scale * random.normal());
    }
    torch::NoGradGuard no_grad;
    weights_[i].copy_(values);
  }
}

void Network::load(const model::ModelFolder& folder) {
  load(folder.weights());
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < specs_.size(); ++i) {
    const auto it = folder.adapters().merged().find(specs_[i].name);
    if (it == folder.adapters().merged().end()) continue;
    weights_[i].copy_(
        torch::from_blob(const_cast<float*>(it->second.data()), specs_[i].shape, torch::kFloat));
  }
}

void Network::load(const base::SafetensorsFile& file) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < specs_.size(); ++i) {
    const auto values = file.values<float>(specs_[i].name);
    if (file.tensor(specs_[i].name).shape != specs_[i].shape) {
      throw base::Error("{}: tensor {} is of another shape than the model", file.path().string(),
                        specs_[i].name);
    }
    weights_[i].copy_(torch::from_blob(const_cast<float*>(values.data()), specs_[i].shape, torch::kFloat));
  }
}

base::NamedTensors Network::save(std::vector<torch::Tensor>& storage) const {
  base::NamedTensors named;
  for (size_t i = 0; i < specs_.size(); ++i) {
    storage.push_back(weights_[i].detach().to(torch::kCPU, torch::kFloat).contiguous());
    const auto& t = storage.back();
    named.emplace_back(
        specs_[i].name,
        base::tensor_view<float>({t.data_ptr<float>(), static_cast<size_t>(t.numel())}, specs_[i].shape));
  }
  return named;
}

torch::Tensor Network::embed(const Inputs& in) const {
  const int64_t n = in.windows() * in.length();
  auto x = embed_sum(weight("embed.weight"), in.ids.view({n, -1}));
  if (encoder_->dense() > 0) x = x + project(in.dense.view({n, -1}), weight("dense_in.weight"));
  return x.view({in.windows(), in.length(), spec_.d_model});
}

torch::Tensor Network::attend(const Layer& layer, const torch::Tensor& x, const Inputs& in, Cache* cache,
                              size_t l) const {
  const int64_t hd = spec_.head_dim();
  const auto qkv =
      project(x, layer.qkv).view({in.windows(), in.length(), spec_.heads + 2 * spec_.kv_heads, hd});
  if (cache == nullptr)
    return project(qkv_attention(qkv, in.cos, in.sin, spec_.heads, spec_.window), layer.out);
  const auto parts = qkv.split_with_sizes({spec_.heads, spec_.kv_heads, spec_.kv_heads}, 2);
  const auto q = rotate(parts[0], in.cos, in.sin);
  auto k = rotate(parts[1], in.cos, in.sin);
  auto v = parts[2];
  if (cache->keys.size() > l) {
    k = torch::cat({cache->keys[l], k}, 1);
    v = torch::cat({cache->values[l], v}, 1);
  } else {
    cache->keys.emplace_back();
    cache->values.emplace_back();
  }
  const int64_t keep = std::min<int64_t>(k.size(1), spec_.window - 1);
  cache->keys[l] = k.narrow(1, k.size(1) - keep, keep).contiguous();
  cache->values[l] = v.narrow(1, v.size(1) - keep, keep).contiguous();
  return project(window_attention(q, k, v, spec_.window), layer.out);
}

torch::Tensor Network::hidden(const Inputs& in, Cache* cache) const {
  auto x = embed(in);
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    x = x + attend(layer, rms_norm(x, layer.attn_norm, spec_.norm_eps), in, cache, l);
    const auto up = project(rms_norm(x, layer.ffn_norm, spec_.norm_eps), layer.up);
    x = x + project(swiglu(up), layer.down);
  }
  return rms_norm(x, weight("final_norm.weight"), spec_.norm_eps);
}

torch::Tensor Network::next_logits(const torch::Tensor& hidden) const {
  return torch::linear(hidden, weight("next.weight"), weight("next.bias"));
}

torch::Tensor Network::inject_logits(const torch::Tensor& hidden) const {
  return torch::linear(hidden, weight("inject.weight"), weight("inject.bias")).squeeze(-1);
}

torch::Tensor Network::direct(const torch::Tensor& hidden, const torch::Tensor& dense) const {
  auto shape = hidden.sizes().vec();
  shape.back() = static_cast<int64_t>(spec_.input.leads.size());
  shape.push_back(static_cast<int64_t>(encoder_->volumes()));
  shape.push_back(static_cast<int64_t>(spec_.quantiles.size()));
  auto y = torch::linear(hidden, weight("direct.weight"), weight("direct.bias"));
  if (model::has_direct_skip(spec_)) y = y + torch::linear(dense, weight("direct.skip.weight"));
  return y.view(shape);
}

torch::Tensor Network::task(const model::HeadSpec& head, const torch::Tensor& input) const {
  const std::string at = "heads." + head.name + ".";
  auto z = ((input - weight(at + "mean")) / weight(at + "deviation"))
               .clamp(-model::kMaxStandard, model::kMaxStandard);
  const auto trees = head.trees > 0 ? sum_of_trees(head, z) : torch::Tensor();
  if (head.hidden > 0) z = torch::silu(torch::linear(z, weight(at + "w1"), weight(at + "b1")));
  const auto y = torch::linear(z, weight(at + "w2"), weight(at + "b2"));
  return trees.defined() ? y + trees : y;
}

// [N, 1] of standardised inputs [N, Z]. Of rows in memory: trees are not trained by gradients.
torch::Tensor Network::sum_of_trees(const model::HeadSpec& head, const torch::Tensor& z) const {
  const std::string at = "heads." + head.name + ".trees.";
  std::vector<torch::Tensor> tables;
  for (const char* name : {"column", "threshold", "leaf"})
    tables.push_back(weight(at + name).detach().to(torch::kCPU).contiguous());
  const auto span = [&](size_t i) {
    return std::span<const float>(tables[i].data_ptr<float>(), static_cast<size_t>(tables[i].numel()));
  };
  const model::TreesView trees{head.trees, head.tree_depth, span(0), span(1), span(2)};
  const auto rows = z.detach().to(torch::kCPU).contiguous();
  auto sums = torch::empty({rows.size(0), 1});
  for (int64_t i = 0; i < rows.size(0); ++i)
    sums.data_ptr<float>()[i] = trees.sum(rows.data_ptr<float>() + i * rows.size(1));
  return sums.to(z.device());
}

}  // namespace netflowgen::learn
