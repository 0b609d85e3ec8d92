#include "learn/heads/head_trees.h"

#include "booster/booster.h"

namespace netflowgen::learn {
namespace {

std::span<const float> values_of(const torch::Tensor& t) {
  return {t.data_ptr<float>(), static_cast<size_t>(t.numel())};
}

}  // namespace

model::Trees fit_trees(const Side& side, std::pair<int64_t, int64_t> dense, const HeadOptions& o, int depth) {
  const torch::Tensor x = side.z.narrow(1, dense.first, dense.second - dense.first).contiguous();
  const torch::Tensor y = side.target.contiguous();
  // Weights that sum to 1 -> an event weighs tree_trust, which is what the leaves' penalty of 1 is set against.
  const double total = o.tree_trust * static_cast<double>(side.events.size()) / o.positive_share;
  const torch::Tensor weight = (side.weight * total).contiguous();
  booster::BoosterOptions options;
  options.rounds = o.trees;
  options.parameters = {{"objective", "binary:logistic"},
                        {"max_depth", std::to_string(o.tree_depth)},
                        {"eta", "0.1"},
                        {"lambda", "1"},
                        {"subsample", "0.8"},
                        {"colsample_bytree", "0.3"},
                        {"min_child_weight", "0.01"}};
  const booster::MatrixView rows{x.data_ptr<float>(), static_cast<size_t>(x.size(0)),
                                 static_cast<size_t>(x.size(1))};
  const torch::Tensor margin = side.offset.defined() ? side.offset.contiguous() : torch::Tensor();
  if (margin.defined()) options.margin = values_of(margin);
  const booster::Booster fitted(rows, values_of(y), values_of(weight), options, o.seed);
  return model::complete(fitted.trees(), depth, static_cast<int>(dense.first));
}

}  // namespace netflowgen::learn
