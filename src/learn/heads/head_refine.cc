#include "learn/heads/head_refine.h"

#include <torch/optim/lbfgs.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "learn/heads/head_trees.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;

constexpr int64_t kIterations = 200;
constexpr double kScaleRidge = 1;  // of the start's scale, which is 1 without labels

Tensor tensor_of(const std::vector<float>& v) {
  return torch::from_blob(const_cast<float*>(v.data()), {static_cast<int64_t>(v.size())}, torch::kFloat);
}

// The start's logit of standardised rows.
Tensor start_logit(const HeadWeights& start, const Tensor& z) {
  Tensor logit = torch::mv(z, tensor_of(start.w2)) + start.b2[0];
  const model::TreesView trees = start.trees.view();
  const int64_t width = z.size(1);
  for (int64_t i = 0; i < z.size(0); ++i)
    logit.data_ptr<float>()[i] += trees.sum(z.data_ptr<float>() + i * width);
  return logit;
}

struct Correction {
  Tensor weight;
  double bias = 0;
  double scale = 1;
};

Correction fit(const Side& side, double ridge, double hidden_ridge, int64_t hidden, const HeadOptions& o) {
  Side rows = side;
  rows.z = side.z.to(torch::kDouble);
  rows.offset = side.offset.to(torch::kDouble);
  rows.target = side.target.to(torch::kDouble);
  rows.weight = side.weight.to(torch::kDouble);
  Tensor penalty = torch::full({rows.z.size(1)}, ridge, torch::kDouble);
  penalty.narrow(0, 0, hidden).mul_(hidden_ridge);
  Tensor weight = torch::zeros({rows.z.size(1)}, torch::kDouble).set_requires_grad(true);
  Tensor bias = torch::zeros({1}, torch::kDouble).set_requires_grad(true);
  Tensor scale = torch::ones({1}, torch::kDouble).set_requires_grad(true);
  torch::optim::LBFGS optimiser(
      std::vector<Tensor>{weight, bias, scale},
      torch::optim::LBFGSOptions(1).max_iter(kIterations).line_search_fn("strong_wolfe"));
  optimiser.step([&] {
    optimiser.zero_grad();
    const Tensor loss = loss_of(torch::mv(rows.z, weight) + bias + scale * rows.offset, rows, o.loss) +
                        (penalty * weight * weight).sum() + kScaleRidge * (scale - 1).square().sum();
    loss.backward();
    return loss;
  });
  return {weight.detach().to(torch::kFloat), bias.item<double>(), std::max(0.0, scale.item<double>())};
}

// Both heads' trees, filled up to the start's depth.
model::Trees joined(model::Trees start, const model::Trees& more) {
  start.count += more.count;
  start.columns.insert(start.columns.end(), more.columns.begin(), more.columns.end());
  start.thresholds.insert(start.thresholds.end(), more.thresholds.begin(), more.thresholds.end());
  start.leaves.insert(start.leaves.end(), more.leaves.begin(), more.leaves.end());
  return start;
}

}  // namespace

double share_known(const Side& side, const torch::Tensor& logits) {
  const double attacks = (side.target * side.weight).sum().item<double>();
  const double prior = -attacks * std::log(attacks) - (1 - attacks) * std::log(1 - attacks);
  const double loss = loss_of(logits, side, "bce").item<double>();
  return std::clamp(1 - loss / prior, 0.0, 1.0);
}

HeadWeights refine_head(const FeatureCache& cache, std::span<const Example> examples,
                        const HeadOptions& options) {
  HeadWeights head = *options.start;
  if (head.spec.hidden > 0)
    throw base::Error("head '{}' has a hidden layer; it cannot be the start of another", head.spec.name);
  HeadOptions o = options;
  o.spec = head.spec;
  Side side = make_side(cache, {examples.begin(), examples.end()}, o);
  require_both(side);
  side.z = select_columns(side.z, columns_of(cache, head.spec));
  side.z = ((side.z - tensor_of(head.mean)) / tensor_of(head.deviation))
               .clamp(-model::kMaxStandard, model::kMaxStandard)
               .contiguous();
  side.offset = start_logit(head, side.z);
  const double known = share_known(side, side.offset);
  const double incidents = static_cast<double>(count_incidents(examples));
  const auto hidden = head.spec.use_hidden ? static_cast<int64_t>(cache.hidden) : 0;
  const double evidence = incidents / (incidents + o.tree_incidents);
  const Correction c = fit(side, o.ridge / evidence, o.hidden_ridge, hidden, o);
  for (size_t i = 0; i < head.w2.size(); ++i)
    head.w2[i] = static_cast<float>(c.scale * head.w2[i]) + c.weight.data_ptr<float>()[i];
  head.b2[0] = static_cast<float>(c.scale * head.b2[0] + c.bias);
  for (float& leaf : head.trees.leaves) leaf *= static_cast<float>(c.scale);
  if (o.trees > 0 && head.spec.use_dense && cache.dense > 0) {
    o.tree_depth = std::min(o.tree_depth, std::max(1, head.trees.depth));
    side.offset = c.scale * side.offset + torch::mv(side.z, c.weight) + c.bias;
    const int64_t inputs = side.z.size(1);
    model::Trees more = fit_trees(side, {inputs - static_cast<int64_t>(cache.dense), inputs}, o,
                                  head.trees.count > 0 ? head.trees.depth : o.tree_depth);
    // The better the start knew, the less is left to correct: trees on a network's few days fit those days' ordinary
    // traffic too, and false alarms on later days rise.
    for (float& leaf : more.leaves) leaf *= static_cast<float>(evidence * (1 - 0.5 * known));
    head.trees = head.trees.count > 0 ? joined(std::move(head.trees), more) : more;
  }
  head.spec.trees = head.trees.count;
  head.spec.tree_depth = head.trees.depth;
  return head;
}

}  // namespace netflowgen::learn
