#include "learn/heads/head_linear.h"

#include <torch/optim/lbfgs.h>

#include "base/check.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

constexpr int64_t kIterations = 200;
constexpr float kVolumeSlope = 2;  // of the prior, a deviation

Side as_double(const Side& side) {
  Side d = side;
  d.z = side.z.to(torch::kDouble);
  d.target = side.target.to(torch::kDouble);
  d.weight = side.weight.to(torch::kDouble);
  return d;
}

// The place of column `c` of z among those that the head reads; -1: it does not read it.
int64_t place_of(const std::vector<std::pair<int64_t, int64_t>>& ranges, size_t c) {
  int64_t before = 0;
  for (const auto& [begin, end] : ranges) {
    const auto column = static_cast<int64_t>(c);
    if (column >= begin && column < end) return before + column - begin;
    before += end - begin;
  }
  return -1;
}

void add_volumes(const FeatureCache& cache, const model::HeadSpec& spec, const std::vector<size_t>& columns,
                 float slope, Tensor& weight) {
  const auto ranges = columns_of(cache, spec);
  for (const size_t c : columns) {
    const int64_t at = place_of(ranges, c);
    if (at >= 0) weight.data_ptr<float>()[at] += slope / static_cast<float>(columns.size());
  }
}

Tensor penalty_of(const FeatureCache& cache, const HeadOptions& o, int64_t inputs) {
  Tensor penalty = torch::full({inputs}, o.ridge, torch::kDouble);
  if (o.spec.use_hidden) penalty.narrow(0, 0, static_cast<int64_t>(cache.hidden)).mul_(o.hidden_ridge);
  return penalty;
}

}  // namespace

std::vector<LinearPart> priors_of(const FeatureCache& cache, const HeadOptions& options, const Tensor& mean,
                                  const Tensor& deviation) {
  std::vector<LinearPart> priors;
  const bool knows = options.spec.use_hidden && !cache.inject_weight.empty();
  const Prior p = options.prior == Prior::kInjection && !knows ? Prior::kVolume : options.prior;
  if (p == Prior::kVolume || p == Prior::kBoth) {
    LinearPart volume{torch::zeros_like(mean)};
    add_volumes(cache, options.spec, cache.volumes_in, kVolumeSlope, volume.weight);
    add_volumes(cache, options.spec, cache.volumes_out, -kVolumeSlope, volume.weight);
    priors.push_back(volume);
  }
  if ((p == Prior::kInjection || p == Prior::kBoth) && knows) {
    LinearPart inject{torch::zeros_like(mean)};
    // Linear in the hidden state, and so in its standardised form: exact for the clipped one that the head sees.
    const auto hidden = static_cast<int64_t>(cache.hidden);
    NFG_CHECK(cache.inject_weight.size() == cache.hidden + 1);
    const Tensor w =
        torch::from_blob(const_cast<float*>(cache.inject_weight.data()), {hidden}, torch::kFloat);
    inject.weight.narrow(0, 0, hidden).copy_(w * deviation.narrow(0, 0, hidden));
    inject.bias = cache.inject_weight.back() + (w * mean.narrow(0, 0, hidden)).sum().item<float>();
    priors.push_back(inject);
  }
  return priors;
}

LinearPart fit_linear(const FeatureCache& cache, const Side& side, const std::vector<LinearPart>& priors,
                      const HeadOptions& options) {
  const Side rows = as_double(side);
  const auto n = static_cast<int64_t>(priors.size());
  std::vector<Tensor> said = {torch::zeros({rows.z.size(0), 0}, torch::kDouble)};  // [N, priors]
  for (const auto& p : priors)
    said.push_back((torch::mv(rows.z, p.weight.to(torch::kDouble)) + p.bias).unsqueeze(1));
  const Tensor a = torch::cat(said, 1);
  const Tensor penalty = penalty_of(cache, options, rows.z.size(1));
  const double start = 1.0 / static_cast<double>(std::max<int64_t>(1, n));
  const auto variable = [](int64_t size, double value) {
    return torch::full({size}, value, torch::kDouble).set_requires_grad(true);
  };
  Tensor weight = variable(rows.z.size(1), 0);
  Tensor bias = variable(1, 0);
  Tensor scale = variable(n, start);
  torch::optim::LBFGS optimiser(
      std::vector<Tensor>{weight, bias, scale},
      torch::optim::LBFGSOptions(1).max_iter(kIterations).line_search_fn("strong_wolfe"));
  optimiser.step([&] {
    optimiser.zero_grad();
    const Tensor loss = loss_of(torch::mv(rows.z, weight) + bias + torch::mv(a, scale), rows, options.loss) +
                        (penalty * weight * weight).sum() + options.ridge * (scale - start).square().sum();
    loss.backward();
    return loss;
  });
  LinearPart fitted{weight.detach().to(torch::kFloat), bias.item<float>()};
  for (int64_t k = 0; k < n; ++k) {
    const auto s = scale[k].item<float>();
    fitted.weight = fitted.weight + s * priors[static_cast<size_t>(k)].weight;
    fitted.bias += s * priors[static_cast<size_t>(k)].bias;
  }
  return fitted;
}

}  // namespace netflowgen::learn
