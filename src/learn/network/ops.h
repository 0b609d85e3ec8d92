// The pieces of the forward pass that cost most outside matrix products, each as one differentiable
// operation. On the CPU they are fused loops; elsewhere, and as the reference implementation, compositions of LibTorch
// operations.
#pragma once

#include <vector>

#include "learn/network/torch.h"

namespace netflowgen::learn {

// x W^T, x [..., in], weight [out, in].
torch::Tensor project(const torch::Tensor& x, const torch::Tensor& weight);

// Sum of the table's rows: table [V, d], ids int64 [N, slots]. Result [N, d].
torch::Tensor embed_sum(const torch::Tensor& table, const torch::Tensor& ids);
torch::Tensor embed_sum_reference(const torch::Tensor& table, const torch::Tensor& ids);

// x / sqrt(mean(x^2) + eps) * weight over the last dimension.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double eps);
torch::Tensor rms_norm_reference(const torch::Tensor& x, const torch::Tensor& weight, double eps);

// silu(a) * b of x = [a, b] halves of the last dimension.
torch::Tensor swiglu(const torch::Tensor& x);
torch::Tensor swiglu_reference(const torch::Tensor& x);

// Rotary positions on x [B, T, heads, head_dim]; cos and sin [B, T, 1, head_dim / 2]. Rotates halves.
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin);

// Sliding-window attention. q [B, T, H, hd]; k, v [B, P + T, G, hd] of which the first P came before. Query t
// sees keys j with (P + t) - window < j <= P + t. Result [B, T, H * hd].
torch::Tensor window_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                               int64_t window);
torch::Tensor window_attention_reference(const torch::Tensor& q, const torch::Tensor& k,
                                         const torch::Tensor& v, int64_t window);

// Rotary positions and sliding-window attention of one pass: qkv [B, T, H + 2 G, hd] (query heads, keys, values, not
// rotated), cos and sin [B, T, 1, hd / 2]. Result [B, T, H * hd].
torch::Tensor qkv_attention(const torch::Tensor& qkv, const torch::Tensor& cos, const torch::Tensor& sin,
                            int64_t heads, int64_t window);
torch::Tensor qkv_attention_reference(const torch::Tensor& qkv, const torch::Tensor& cos,
                                      const torch::Tensor& sin, int64_t heads, int64_t window);

// Negative log-likelihood of each target group: logits [N, sum of sizes], targets int32 [N, groups] (-1:
// absent). Result [N, groups] in nats, 0 where absent.
torch::Tensor group_nll(const torch::Tensor& logits, const torch::Tensor& targets,
                        const std::vector<int>& sizes);
torch::Tensor group_nll_reference(const torch::Tensor& logits, const torch::Tensor& targets,
                                  const std::vector<int>& sizes);

// The sum of group_nll over logits = hidden W^T + bias, hidden [N, d], as a scalar. The logits, far larger than all
// else, become their own gradient in one pass.
torch::Tensor next_loss(const torch::Tensor& hidden, const torch::Tensor& weight, const torch::Tensor& bias,
                        const torch::Tensor& targets, const std::vector<int>& sizes);
torch::Tensor next_loss_reference(const torch::Tensor& hidden, const torch::Tensor& weight,
                                  const torch::Tensor& bias, const torch::Tensor& targets,
                                  const std::vector<int>& sizes);

}  // namespace netflowgen::learn
