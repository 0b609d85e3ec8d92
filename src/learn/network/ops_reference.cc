// The reference implementations: plain LibTorch, on any device.
#include "learn/network/ops.h"

namespace netflowgen::learn {

torch::Tensor embed_sum_reference(const torch::Tensor& table, const torch::Tensor& ids) {
  const auto offsets = torch::arange(0, ids.numel(), ids.size(1), ids.options());
  return std::get<0>(torch::embedding_bag(table, ids.reshape({-1}), offsets, false, 0));
}

torch::Tensor rms_norm_reference(const torch::Tensor& x, const torch::Tensor& weight, double eps) {
  return x * torch::rsqrt(x.pow(2).mean(-1, true) + eps) * weight;
}

torch::Tensor swiglu_reference(const torch::Tensor& x) {
  const auto halves = x.chunk(2, -1);
  return torch::silu(halves[0]) * halves[1];
}

torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin) {
  const auto halves = x.chunk(2, -1);
  return torch::cat({halves[0] * cos - halves[1] * sin, halves[0] * sin + halves[1] * cos}, -1);
}

torch::Tensor window_attention_reference(const torch::Tensor& q, const torch::Tensor& k,
                                         const torch::Tensor& v, int64_t window) {
  const int64_t t = q.size(1);
  const int64_t s = k.size(1);
  const int64_t group = q.size(2) / k.size(2);
  const auto heads_first = [](const torch::Tensor& x) { return x.transpose(1, 2); };
  const auto keys = heads_first(k).repeat_interleave(group, 1);
  const auto values = heads_first(v).repeat_interleave(group, 1);
  const auto options = torch::TensorOptions().device(q.device());
  const auto rows = torch::arange(s - t, s, options).unsqueeze(1);
  const auto columns = torch::arange(s, options).unsqueeze(0);
  const auto hidden = (columns > rows).logical_or(columns <= rows - window);
  auto scores = torch::matmul(heads_first(q), keys.transpose(-1, -2)) *
                (1.0 / std::sqrt(static_cast<double>(q.size(3))));
  scores = scores.masked_fill(hidden, -1e30);
  return heads_first(torch::matmul(torch::softmax(scores, -1), values)).reshape({q.size(0), t, -1});
}

torch::Tensor qkv_attention_reference(const torch::Tensor& qkv, const torch::Tensor& cos,
                                      const torch::Tensor& sin, int64_t heads, int64_t window) {
  const int64_t kv = (qkv.size(2) - heads) / 2;
  const auto parts = qkv.split_with_sizes({heads, kv, kv}, 2);
  return window_attention_reference(rotate(parts[0], cos, sin), rotate(parts[1], cos, sin), parts[2], window);
}

// Neighbours of one size are one product of kernels: on a GPU the number of kernels is what costs.
torch::Tensor group_nll_reference(const torch::Tensor& logits, const torch::Tensor& targets,
                                  const std::vector<int>& sizes) {
  std::vector<int64_t> widths;  // of runs of groups of one size
  std::vector<int64_t> counts;  // groups of a run
  for (size_t c = 0; c < sizes.size(); ++c) {
    if (c == 0 || sizes[c] != sizes[c - 1]) {
      widths.push_back(0);
      counts.push_back(0);
    }
    widths.back() += sizes[c];
    ++counts.back();
  }
  const auto runs = logits.split_with_sizes(widths, -1);
  const auto run_targets = targets.to(torch::kLong).split_with_sizes(counts, -1);
  std::vector<torch::Tensor> columns;
  for (size_t r = 0; r < runs.size(); ++r) {
    auto shape = run_targets[r].sizes().vec();
    shape.push_back(widths[r] / counts[r]);
    const auto part = torch::log_softmax(runs[r].reshape(shape), -1);
    const auto& target = run_targets[r];
    const auto picked = part.gather(-1, target.clamp_min(0).unsqueeze(-1)).squeeze(-1);
    columns.push_back(torch::where(target >= 0, -picked, torch::zeros_like(picked)));
  }
  return torch::cat(columns, -1);
}

torch::Tensor next_loss_reference(const torch::Tensor& hidden, const torch::Tensor& weight,
                                  const torch::Tensor& bias, const torch::Tensor& targets,
                                  const std::vector<int>& sizes) {
  return group_nll_reference(torch::linear(hidden, weight, bias), targets, sizes).sum();
}

}  // namespace netflowgen::learn
