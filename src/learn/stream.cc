#include "learn/stream.h"

#include <cmath>

#include "base/check.h"
#include "learn/network/backbone.h"
#include "learn/network/ops.h"
#include "learn/network/windows.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

std::vector<float> to_vector(const Tensor& t) {
  const Tensor c = t.to(torch::kCPU, torch::kFloat).contiguous();
  return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

// z of a task head, the parts that it reads.
Tensor head_input(const model::HeadSpec& h, const Tensor& hidden, const Tensor& surprise,
                  const Tensor& dense) {
  std::vector<Tensor> parts;
  if (h.use_hidden) parts.push_back(hidden);
  if (h.use_surprise) parts.push_back(surprise);
  if (h.use_dense) parts.push_back(dense);
  return torch::cat(parts, -1);
}

// Surprise of the targets `own` and gaps under the logits of the position before, [n, targets].
Tensor surprise_of(const Network& network, const Tensor& before, const Tensor& targets) {
  return group_nll(network.next_logits(before), targets, network.encoder().target_sizes())
      .clamp_max(model::kMaxSurprise);
}

// [n, targets] int32 of positions [first, first + n) of a batch's window b; kIgnore at a node's first.
Tensor targets_of(const WindowBatch& batch, size_t b, size_t first, size_t n, size_t levels) {
  Tensor t = torch::full({static_cast<int64_t>(n), static_cast<int64_t>(levels + 1)}, kIgnore, torch::kInt);
  auto* out = t.data_ptr<int32_t>();
  for (size_t p = first; p < first + n; ++p, out += levels + 1) {
    if (p == 0) continue;
    const size_t at = b * batch.length + p;
    std::copy_n(batch.own.data() + at * levels, levels, out);
    out[levels] = token::gap_token(batch.steps[at] - batch.steps[at - 1]);
  }
  return t;
}

}  // namespace

FullForward full_forward(const Backbone& backbone, const series::FrameTable& table, size_t node) {
  torch::NoGradGuard no_grad;
  const Network& network = backbone.impl().network;
  const token::Encoder& e = backbone.encoder();
  const Positions positions(table, e, table.first_step, table.end_step, {node});
  const size_t n = positions.count(0);
  WindowBatch batch;
  batch.resize(1, n, e);
  fill_window(positions, 0, 0, nullptr, false, 0, batch);
  const Inputs in = to_inputs(batch, network.spec(), e, network.device());
  const Tensor h = network.hidden(in)[0];
  const Tensor before = torch::cat({torch::zeros_like(h.narrow(0, 0, 1)), h.narrow(0, 0, h.size(0) - 1)}, 0);
  const Tensor surprise = surprise_of(network, before, targets_of(batch, 0, 0, n, e.levels()));
  FullForward out;
  out.steps = batch.steps;
  out.hidden = to_vector(h);
  out.surprise = to_vector(surprise);
  out.next = to_vector(network.next_logits(h));
  if (network.spec().inject) out.inject = to_vector(network.inject_logits(h));
  if (!network.spec().input.leads.empty()) out.direct = to_vector(network.direct(h, in.dense[0]));
  for (const auto& t : network.spec().tasks) {
    out.tasks.push_back(to_vector(network.task(t, head_input(t, h, surprise, in.dense[0]))));
  }
  return out;
}

struct TorchStream::Impl {
  struct Layer {
    Tensor attn_norm, qkv, out, ffn_norm, up, down;
    Tensor keys, values;  // [nodes, kv_heads, window, head_dim]
  };

  Impl(const Backbone& backbone, const series::FrameTable& table, size_t count);
  Tensor heads(const Tensor& hidden, const Tensor& before, size_t p) const;
  Tensor embed(size_t p) const;
  Tensor attend(Layer& layer, const Tensor& x, size_t p) const;

  const Network& network;
  const model::ModelSpec& spec;
  WindowBatch batch;
  Inputs all;
  std::vector<Layer> layers;
  std::vector<Tensor> targets;  // a position: [nodes, targets]
  Tensor embedding, dense_in, final_norm;
  Tensor last;  // hidden states of the position before
};

TorchStream::Impl::Impl(const Backbone& backbone, const series::FrameTable& table, size_t count)
    : network(backbone.impl().network), spec(backbone.spec()) {
  const token::Encoder& e = backbone.encoder();
  const Positions positions(table, e, table.first_step, table.end_step);
  const size_t n = positions.nodes();
  batch.resize(n, count, e);
  for (size_t b = 0; b < n; ++b) {
    NFG_CHECK(positions.count(b) >= count);
    fill_window(positions, b, 0, nullptr, false, b, batch);
  }
  all = to_inputs(batch, spec, e, network.device());
  for (size_t p = 0; p < count; ++p) {
    std::vector<Tensor> rows;
    for (size_t b = 0; b < n; ++b) rows.push_back(targets_of(batch, b, p, 1, e.levels()));
    targets.push_back(torch::cat(rows, 0));
  }
  for (int l = 0; l < spec.layers; ++l) {
    const std::string at = "layers." + std::to_string(l) + ".";
    const auto w = [&](const char* name) { return network.weight(at + name); };
    const auto ring = torch::zeros({static_cast<int64_t>(n), spec.kv_heads, spec.window, spec.head_dim()});
    layers.push_back({w("attn_norm.weight"), w("attn.qkv.weight"), w("attn.out.weight"), w("ffn_norm.weight"),
                      w("ffn.up.weight"), w("ffn.down.weight"), ring.clone(), ring.clone()});
  }
  embedding = network.weight("embed.weight");
  if (e.dense() > 0) dense_in = network.weight("dense_in.weight");
  final_norm = network.weight("final_norm.weight");
}

Tensor TorchStream::Impl::embed(size_t p) const {
  const Tensor ids = all.ids.select(1, static_cast<int64_t>(p)).contiguous();
  const auto offsets = torch::arange(0, ids.numel(), ids.size(1), ids.options());
  Tensor x = std::get<0>(torch::embedding_bag(embedding, ids.reshape({-1}), offsets, false, 0));
  if (dense_in.defined()) x = x + torch::linear(all.dense.select(1, static_cast<int64_t>(p)), dense_in);
  return x;
}

Tensor TorchStream::Impl::attend(Layer& layer, const Tensor& x, size_t p) const {
  const auto at = static_cast<int64_t>(p);
  const int64_t n = x.size(0);
  const int64_t hd = spec.head_dim();
  const auto parts = torch::linear(x, layer.qkv)
                         .view({n, 1, spec.heads + 2 * spec.kv_heads, hd})
                         .split_with_sizes({spec.heads, spec.kv_heads, spec.kv_heads}, 2);
  const Tensor cos = all.cos.narrow(1, at, 1);
  const Tensor sin = all.sin.narrow(1, at, 1);
  const Tensor q = rotate(parts[0], cos, sin).view({n, spec.kv_heads, spec.heads / spec.kv_heads, hd});
  const int64_t slot = at % spec.window;
  layer.keys.select(2, slot).copy_(rotate(parts[1], cos, sin).view({n, spec.kv_heads, hd}));
  layer.values.select(2, slot).copy_(parts[2].reshape({n, spec.kv_heads, hd}));
  const int64_t seen = std::min<int64_t>(at + 1, spec.window);
  const Tensor keys = layer.keys.narrow(2, 0, seen);
  const Tensor scores = torch::matmul(q, keys.transpose(2, 3)) / std::sqrt(static_cast<double>(hd));
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1), layer.values.narrow(2, 0, seen));
  return torch::linear(mixed.reshape({n, spec.heads * hd}), layer.out);
}

// All that the engine gives for a position; the hidden states are returned.
Tensor TorchStream::Impl::heads(const Tensor& hidden, const Tensor& before, size_t p) const {
  const Tensor surprise = surprise_of(network, before, targets[p]);
  if (spec.inject) network.inject_logits(hidden);
  if (!spec.input.leads.empty()) network.direct(hidden, all.dense.select(1, static_cast<int64_t>(p)));
  for (const auto& t : spec.tasks) {
    network.task(t, head_input(t, hidden, surprise, all.dense.select(1, static_cast<int64_t>(p))));
  }
  return hidden;
}

TorchStream::TorchStream(const Backbone& backbone, const series::FrameTable& table, size_t positions) {
  torch::NoGradGuard no_grad;
  impl_ = std::make_unique<Impl>(backbone, table, positions);
}
TorchStream::~TorchStream() = default;

std::vector<float> TorchStream::step_window(size_t p) {
  torch::NoGradGuard no_grad;
  auto& s = *impl_;
  const int64_t window = s.spec.window;
  const int64_t first = static_cast<int64_t>(p) + 1 - window;
  const auto part = [&](const Tensor& t) { return t.narrow(1, first, window).contiguous(); };
  const Tensor h = s.network.hidden({part(s.all.ids), part(s.all.dense), part(s.all.cos), part(s.all.sin)});
  return to_vector(s.heads(h.select(1, window - 1), h.select(1, window - 2), p));
}

std::vector<float> TorchStream::step_cached(size_t p) {
  torch::NoGradGuard no_grad;
  auto& s = *impl_;
  Tensor x = s.embed(p);
  const double eps = s.spec.norm_eps;
  for (auto& layer : s.layers) {
    x = x + s.attend(layer, rms_norm(x, layer.attn_norm, eps), p);
    x = x + torch::linear(swiglu(torch::linear(rms_norm(x, layer.ffn_norm, eps), layer.up)), layer.down);
  }
  const Tensor hidden = rms_norm(x, s.final_norm, eps);
  if (!s.last.defined()) s.last = torch::zeros_like(hidden);
  s.heads(hidden, s.last, p);
  s.last = hidden;
  return to_vector(hidden);
}

}  // namespace netflowgen::learn
