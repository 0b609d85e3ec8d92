#include "learn/network/weight_average.h"

#include <algorithm>

namespace netflowgen::learn {

WeightAverage::WeightAverage(const std::vector<torch::Tensor>& weights, double decay) : decay_(decay) {
  if (decay_ <= 0) return;
  for (const auto& w : weights) mean_.push_back(w.detach().clone());
}

void WeightAverage::add(const std::vector<torch::Tensor>& weights, int64_t count) {
  torch::NoGradGuard no_grad;
  const auto n = static_cast<double>(count);
  const double keep = std::min(decay_, n / (n + 9));
  for (size_t i = 0; i < mean_.size(); ++i) mean_[i].lerp_(weights[i], 1 - keep);
}

void WeightAverage::restart(const std::vector<torch::Tensor>& weights) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < mean_.size(); ++i) mean_[i].copy_(weights[i]);
}

void WeightAverage::swap(std::vector<torch::Tensor>& weights) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < mean_.size(); ++i) {
    const torch::Tensor own = weights[i].detach().clone();
    weights[i].copy_(mean_[i]);
    mean_[i].copy_(own);
  }
}

WeightAverage::InUse::InUse(WeightAverage& average, std::vector<torch::Tensor>& weights)
    : average_(&average), weights_(&weights) {
  average_->swap(*weights_);
}

WeightAverage::InUse::~InUse() { average_->swap(*weights_); }

}  // namespace netflowgen::learn
