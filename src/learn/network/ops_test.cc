// Every fused operation against its reference implementation: values and gradients, random shapes.
#include "learn/network/ops.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "learn/kernels/kernels.h"
#include "learn/network/adamw.h"
#include "learn/network/slices.h"

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

TEST(Ops, RmsNormEqualsItsReference) {
  torch::manual_seed(1);
  const auto worst = difference(
      {torch::randn({3, 37, 48}), torch::randn({48})},
      [](const auto& x) { return rms_norm(x[0], x[1], 1e-5); },
      [](const auto& x) { return rms_norm_reference(x[0], x[1], 1e-5); });
  EXPECT_LT(worst, 2e-4);
}

TEST(Ops, SwigluEqualsItsReference) {
  torch::manual_seed(2);
  const auto worst = difference(
      {4 * torch::randn({5, 31, 74})}, [](const auto& x) { return swiglu(x[0]); },
      [](const auto& x) { return swiglu_reference(x[0]); });
  EXPECT_LT(worst, 1e-4);
}

TEST(Ops, WindowAttentionEqualsItsReference) {
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

TEST(Ops, GroupNllEqualsItsReference) {
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

TEST(Ops, LinearEqualsItsReference) {
  torch::manual_seed(5);
  const auto worst = difference(
      {torch::randn({3, 11, 29}), torch::randn({17, 29})}, [](const auto& x) { return project(x[0], x[1]); },
      [](const auto& x) { return torch::linear(x[0], x[1]); });
  EXPECT_LT(worst, 1e-4);
}

TEST(Ops, EmbedSumEqualsItsReference) {
  torch::manual_seed(6);
  const auto ids = torch::randint(0, 50, {70, 9});
  const auto worst = difference(
      {torch::randn({50, 24})}, [&](const auto& x) { return embed_sum(x[0], ids); },
      [&](const auto& x) { return embed_sum_reference(x[0], ids); });
  EXPECT_LT(worst, 1e-4);
}

TEST(Ops, QkvAttentionEqualsItsReference) {
  torch::manual_seed(7);
  struct Case {
    int64_t t, heads, kv, hd, window;
  };
  for (const Case& c : {Case{70, 4, 2, 16, 20}, Case{33, 4, 4, 12, 33}, Case{5, 2, 1, 6, 1}}) {
    const auto angle = torch::rand({2, c.t, 1, c.hd / 2}) * 6;
    const auto worst = difference(
        {torch::randn({2, c.t, c.heads + 2 * c.kv, c.hd})},
        [&](const auto& x) { return qkv_attention(x[0], angle.cos(), angle.sin(), c.heads, c.window); },
        [&](const auto& x) {
          return qkv_attention_reference(x[0], angle.cos(), angle.sin(), c.heads, c.window);
        });
    EXPECT_LT(worst, 1e-4) << c.t << " " << c.window;
  }
}

TEST(Ops, NextLossEqualsItsReference) {
  torch::manual_seed(8);
  const std::vector<int> sizes{3, 41, 9};
  auto targets =
      torch::stack({torch::randint(0, 3, {57}), torch::randint(0, 41, {57}), torch::randint(0, 9, {57})}, -1);
  targets.index_put_({torch::arange(0, 20), 1}, -1);
  const auto worst = difference(
      {torch::randn({57, 19}), torch::randn({53, 19}), torch::randn({53})},
      [&](const auto& x) { return next_loss(x[0], x[1], x[2], targets, sizes); },
      [&](const auto& x) { return next_loss_reference(x[0], x[1], x[2], targets, sizes); });
  EXPECT_LT(worst, 2e-3);  // gradients of a sum over 171 targets, of which entries reach 50
}

// What the rows of a table say must not depend on the instruction set.
TEST(Kernels, EveryInstructionSetEqualsTheBaseline) {
  torch::manual_seed(9);
  const auto all = all_kernels();
  const AttentionShape s{45, 52, 24, 17, 24, 24, 24};
  const auto q = torch::randn({45, 24}), k = torch::randn({52, 24}), v = torch::randn({52, 24});
  const auto dout = torch::randn({45, 24});
  std::vector<Tensor> expected;
  for (const Kernels* one : all) {
    Tensor o = torch::empty({45, 24}), logsum = torch::empty({45}), dq = torch::empty({45, 24});
    Tensor dk = torch::zeros({52, 24}), dv = torch::zeros({52, 24});
    const auto p = [](const Tensor& t) { return t.data_ptr<float>(); };
    one->attention_forward(s, p(q), p(k), p(v), p(o), p(logsum));
    one->attention_backward(s, p(q), p(k), p(v), p(o), p(dout), p(logsum), p(dq), p(dk), p(dv));
    Tensor gated = torch::empty({45, 12}), dgated = torch::empty({45, 24});
    one->swiglu_forward(p(q), 45, 12, p(gated));
    one->swiglu_backward(p(gated), p(q), 45, 12, p(dgated));
    const std::vector<Tensor> got{o, logsum, dq, dk, dv, gated, dgated};
    if (expected.empty()) expected = got;
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_LT((got[i] - expected[i]).abs().max().item<double>(), 2e-5) << one->name << " " << i;
  }
}

TEST(AdamW, FusedStepsEqualThePlainOnes) {
  std::vector<Tensor> ends;
  for (const bool plain : {false, true}) {
    torch::manual_seed(10);
    std::vector<Tensor> weights{torch::randn({31, 7}), torch::randn({40})};
    for (auto& w : weights) w.set_requires_grad(true);
    AdamW adam(weights, {.plain = plain});
    for (int k = 0; k < 20; ++k) {
      ((weights[0].sum() + 3).pow(2) + (weights[1] * weights[1].abs()).sum()).backward();
      adam.step(1e-2, 1.0);
    }
    ends.push_back(torch::cat({weights[0].detach().flatten(), weights[1].detach()}));
  }
  EXPECT_LT((ends[0] - ends[1]).abs().max().item<double>(), 1e-5);
}

// LibTorch's parallel loops are templates, and run on one thread where their caller is compiled without OpenMP.
TEST(Slices, AreSharedOutAmongTheThreads) {
#ifndef _OPENMP
  GTEST_SKIP() << "skipped: compiled without OpenMP (cmake/NetflowgenDeps.cmake)";
#endif
  set_threads(2);
  std::mutex mutex;
  std::condition_variable came;
  std::set<std::thread::id> threads;
  for_slices(2, torch::kCPU, [&](int64_t) {  // each waits for the other
    std::unique_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
    came.notify_all();
    came.wait_for(lock, std::chrono::seconds(10), [&] { return threads.size() == 2; });
  });
  EXPECT_EQ(threads.size(), 2u);
}

TEST(Slices, AddUpToTheWholeBatchWhateverTheThreads) {
  torch::manual_seed(11);
  const auto x = torch::randn({24, 30});
  const auto gradient = [&](int64_t slices, int threads) {
    set_threads(threads);
    Tensor w = torch::full({16, 30}, 0.1, torch::requires_grad());
    const int64_t each = 24 / slices;
    add_gradients(slices, [&](int64_t s) { return project(x.narrow(0, s * each, each), w).pow(3).sum(); },
                  {w});
    return w.grad();
  };
  const Tensor whole = gradient(1, 1);
  const Tensor sliced = gradient(8, 1);
  EXPECT_LT((whole - sliced).abs().max().item<double>(), 1e-3 * whole.abs().max().item<double>());
  EXPECT_GT(whole.abs().max().item<double>(), 1.0);
  for (const int threads : {2, 3}) EXPECT_TRUE(torch::equal(gradient(8, threads), sliced)) << threads;
}

}  // namespace
}  // namespace netflowgen::learn
