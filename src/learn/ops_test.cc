// Every fused operation against its slow twin: values and gradients, random shapes.
#include "learn/ops.h"

#include <gtest/gtest.h>

namespace netflowgen::learn {
namespace {

using torch::Tensor;

// Largest difference of values and of the gradients of `inputs`, under a random cotangent.
template <typename Fast, typename Slow>
double difference(std::vector<Tensor> inputs, const Fast& fast, const Slow& slow) {
  std::vector<std::vector<Tensor>> grads;
  std::vector<Tensor> values;
  Tensor cotangent;
  for (int side = 0; side < 2; ++side) {
    std::vector<Tensor> leaves;
    for (const auto& x : inputs) leaves.push_back(x.detach().clone().set_requires_grad(true));
    const Tensor y = side == 0 ? fast(leaves) : slow(leaves);
    if (side == 0) cotangent = torch::randn_like(y);
    (y * cotangent).sum().backward();
    values.push_back(y.detach());
    grads.emplace_back();
    for (const auto& x : leaves) grads.back().push_back(x.grad());
  }
  double worst = (values[0] - values[1]).abs().max().item<double>();
  for (size_t i = 0; i < inputs.size(); ++i) {
    worst = std::max(worst, (grads[0][i] - grads[1][i]).abs().max().item<double>());
  }
  return worst;
}

TEST(Ops, RmsNormEqualsItsTwin) {
  torch::manual_seed(1);
  const auto worst = difference(
      {torch::randn({3, 37, 48}), torch::randn({48})},
      [](const auto& x) { return rms_norm(x[0], x[1], 1e-5); },
      [](const auto& x) { return rms_norm_reference(x[0], x[1], 1e-5); });
  EXPECT_LT(worst, 2e-4);
}

TEST(Ops, SwigluEqualsItsTwin) {
  torch::manual_seed(2);
  const auto worst = difference(
      {4 * torch::randn({5, 31, 74})}, [](const auto& x) { return swiglu(x[0]); },
      [](const auto& x) { return swiglu_reference(x[0]); });
  EXPECT_LT(worst, 1e-4);
}

TEST(Ops, WindowAttentionEqualsItsTwin) {
  torch::manual_seed(3);
  struct Case {
    int64_t t, past, heads, kv, hd, window;
  };
  for (const Case& c : {Case{70, 0, 4, 2, 16, 20}, Case{33, 19, 4, 4, 12, 20}, Case{128, 0, 2, 1, 32, 128},
                        Case{5, 0, 2, 2, 6, 1}, Case{1, 31, 2, 1, 32, 32}, Case{200, 0, 2, 1, 64, 33}}) {
    const auto worst = difference(
        {torch::randn({2, c.t, c.heads, c.hd}), torch::randn({2, c.past + c.t, c.kv, c.hd}),
         torch::randn({2, c.past + c.t, c.kv, c.hd})},
        [&](const auto& x) { return window_attention(x[0], x[1], x[2], c.window); },
        [&](const auto& x) { return window_attention_reference(x[0], x[1], x[2], c.window); });
    EXPECT_LT(worst, 1e-4) << c.t << " " << c.window;
  }
}

TEST(Ops, GroupNllEqualsItsTwin) {
  torch::manual_seed(4);
  const std::vector<int> sizes{3, 17, 130, 26};
  auto targets = torch::stack({torch::randint(0, 3, {90}), torch::randint(0, 17, {90}),
                               torch::randint(0, 130, {90}), torch::randint(0, 26, {90})},
                              -1);
  targets.index_put_({torch::arange(0, 40), 2}, -1);
  const auto worst = difference(
      {5 * torch::randn({90, 176})}, [&](const auto& x) { return group_nll(x[0], targets, sizes); },
      [&](const auto& x) { return group_nll_reference(x[0], targets, sizes); });
  EXPECT_LT(worst, 1e-4);
}

}  // namespace
}  // namespace netflowgen::learn
