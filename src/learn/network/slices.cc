#include "learn/network/slices.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/error.h"
#include "learn/network/group_links.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

// Sums of `parts` in their order into the weight's gradient, chunks of it on all threads.
void reduce(const Tensor& weight, const std::vector<const Tensor*>& parts) {
  const auto contiguous = [](const Tensor* t) { return t->is_contiguous() && t->is_cpu(); };
  const bool fast = weight.is_cpu() && weight.scalar_type() == torch::kFloat &&
                    std::all_of(parts.begin(), parts.end(), contiguous);
  Tensor& grad = const_cast<Tensor&>(weight).mutable_grad();
  size_t first = 0;
  if (!grad.defined()) {
    grad = parts[0]->contiguous();
    first = 1;
  }
  if (!fast || !grad.is_contiguous()) {
    for (size_t k = first; k < parts.size(); ++k) grad.add_(*parts[k]);
    return;
  }
  float* sum = grad.data_ptr<float>();
  at::parallel_for(0, weight.numel(), 16384, [&](int64_t a, int64_t b) {
    for (size_t k = first; k < parts.size(); ++k) {
      const float* part = parts[k]->data_ptr<float>();
      for (int64_t i = a; i < b; ++i) sum[i] += part[i];
    }
  });
}

}  // namespace

std::vector<std::pair<int64_t, int64_t>> cut_slices(int64_t windows, int64_t length, torch::Device device,
                                                    int64_t processes) {
  if (windows == 0) return {};
  const int64_t each = std::clamp<int64_t>(
      device.is_cpu() ? kSlicePositions / length : (windows + processes - 1) / processes, 1, windows);
  std::vector<std::pair<int64_t, int64_t>> slices;
  for (int64_t a = 0; a < windows; a += each) slices.emplace_back(a, std::min(windows, a + each));
  return slices;
}

OwnedSlices owned_slices(const std::vector<int64_t>& windows, int rank, int64_t length,
                         torch::Device device) {
  OwnedSlices owned;
  for (size_t r = 0; r < windows.size(); ++r) {
    if (r == static_cast<size_t>(rank)) owned.before = owned.all;
    owned.all += static_cast<int64_t>(cut_slices(windows[r], length, device).size());
  }
  return owned;
}

std::pair<int64_t, int64_t> own_slices(int64_t n, int rank, int size) {
  if (n < size) {
    throw base::UsageError(
        "{} processes share a batch of {} slices: use fewer of them, a larger --batch, or --accumulate 1",
        size, n);
  }
  return {n * rank / size, n * (rank + 1) / size};
}

void for_slices(int64_t n, torch::Device device, const std::function<void(int64_t)>& task) {
  if (!device.is_cpu()) {
    for (int64_t s = 0; s < n; ++s) task(s);
    return;
  }
  const SingleThreadedBlas blas;
  const bool grad_mode = torch::GradMode::is_enabled();
  std::atomic<int64_t> next{0};
  // Two at least: within a parallel loop LibTorch's own loops use one thread, so that a slice's bits are the same however many
  // slices there are.
  const int64_t threads = std::max<int64_t>(2, std::min<int64_t>(n, torch::get_num_threads()));
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    const torch::AutoGradMode mode(grad_mode);
    // Taken one by one: a thread whose core others use takes fewer.
    for (int64_t s = next++; s < n; s = next++) task(s);
  });
}

void for_each_on_cpu(int64_t n, const std::function<void(int64_t)>& task) {
  at::parallel_for(0, n, 1, [&](int64_t a, int64_t b) {
    for (int64_t i = a; i < b; ++i) task(i);
  });
}

void add_gradients(int64_t n, const std::function<Tensor(int64_t)>& loss, const std::vector<Tensor>& weights,
                   TrainingGroup* group) {
  std::vector<Tensor> trained;
  for (const auto& w : weights) {
    if (w.requires_grad()) trained.push_back(w);
  }
  std::vector<torch::autograd::variable_list> parts(static_cast<size_t>(n));
  for_slices(n, weights[0].device(), [&](int64_t s) {
    parts[static_cast<size_t>(s)] =
        torch::autograd::grad({loss(s)}, trained, {}, {}, false, /*allow_unused=*/true);
  });
  torch::NoGradGuard no_grad;
  const bool chain = group != nullptr && !group->links().adds_at_once();
  for (size_t i = 0; i < trained.size(); ++i) {
    std::vector<const Tensor*> present;
    for (const auto& p : parts) {
      if (p[i].defined()) present.push_back(&p[i]);
    }
    if (group != nullptr) {
      Tensor& grad = trained[i].mutable_grad();
      if (!grad.defined()) grad = torch::zeros_like(trained[i]);
      if (chain && !group->links().begins()) group->links().take(grad);
      if (!chain && !group->first()) grad.zero_();  // what earlier micro-batches summed counts once
    }
    if (!present.empty()) reduce(trained[i], present);
    if (chain && !group->links().ends()) group->links().hand_on(trained[i].grad());
  }
  if (group == nullptr) return;
  std::vector<Tensor> sums;
  for (const auto& w : trained) sums.push_back(w.grad());
  if (chain) {
    group->links().finish();
    group->links().broadcast(sums, group->size() - 1);
  } else {
    group->links().sum(sums);
  }
}

}  // namespace netflowgen::learn
