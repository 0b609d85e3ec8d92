#include "learn/network/objective.h"

#include <algorithm>
#include <cmath>

#include "learn/network/ops.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

// Sum over known targets of the mean over quantile levels; predicted [..., Q], target [...] NaN where unknown.
Tensor quantile_loss(const Tensor& predicted, const Tensor& target, const Tensor& levels) {
  const Tensor known = torch::isnan(target).logical_not();
  const Tensor y = torch::where(known, target, torch::zeros_like(target)).unsqueeze(-1);
  const Tensor e = y - predicted;
  return (torch::maximum(levels * e, (levels - 1) * e).mean(-1) * known).sum();
}

// A view of the batch's memory, or its copy on the device.
template <typename T>
Tensor tensor_of(const std::vector<T>& values, at::IntArrayRef shape, torch::Device device) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, torch::CppTypeToScalarType<T>::value)
      .to(device);
}

double share(double weight, double count) { return weight / std::max(1.0, count); }

}  // namespace

TargetCounts& TargetCounts::operator+=(const TargetCounts& o) {
  next += o.next;
  inject += o.inject;
  direct += o.direct;
  return *this;
}

TargetCounts count_targets(const WindowBatch& batch) {
  const auto count = [](const auto& values, auto present) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), present));
  };
  return {count(batch.next, [](int32_t t) { return t >= 0; }),
          count(batch.inject, [](float y) { return y >= 0; }),
          count(batch.direct, [](float y) { return !std::isnan(y); })};
}

Objective objective(const Network& network, const WindowBatch& slice, const TargetCounts& whole,
                    const ObjectiveOptions& options) {
  const auto b = static_cast<int64_t>(slice.windows);
  const auto t = static_cast<int64_t>(slice.length);
  const token::Encoder& encoder = network.encoder();
  const torch::Device device = network.device();
  const Inputs in = to_inputs(slice, network.spec(), encoder, device);
  const Tensor h = network.hidden(in);
  const Tensor next = tensor_of(slice.next, {b * t, static_cast<int64_t>(encoder.levels() + 1)}, device);
  const Tensor nll = next_loss(h.view({b * t, -1}), network.weight("next.weight"),
                               network.weight("next.bias"), next, encoder.target_sizes()) *
                     share(1, whole.next);
  Tensor total = nll;
  Tensor inject = torch::zeros_like(nll);
  Tensor direct = torch::zeros_like(nll);
  if (network.spec().inject) {
    const Tensor y = tensor_of(slice.inject, {b, t}, device);
    const Tensor bce = torch::binary_cross_entropy_with_logits(network.inject_logits(h), y.clamp_min(0), {},
                                                               {}, at::Reduction::None);
    const Tensor loss = (bce * (y >= 0)).sum() * share(1, whole.inject);
    inject = loss;
    total = total + options.inject_weight * loss;
  }
  if (!slice.direct.empty() && options.direct_weight > 0) {
    const Tensor y = tensor_of(slice.direct,
                               {b, t, static_cast<int64_t>(network.spec().input.leads.size()),
                                static_cast<int64_t>(encoder.volumes())},
                               device);
    const Tensor levels = torch::tensor(network.spec().quantiles).to(device);
    const Tensor loss = quantile_loss(network.direct(h, in.dense), y, levels) * share(1, whole.direct);
    direct = loss;
    total = total + options.direct_weight * loss;
  }
  return {total, torch::stack({total.detach(), nll.detach(), inject.detach(), direct.detach()})};
}

}  // namespace netflowgen::learn
