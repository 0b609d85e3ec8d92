#include "learn/adamw.h"

#include <cmath>
#include <numbers>

namespace netflowgen::learn {

AdamW::AdamW(std::vector<torch::Tensor> weights, AdamWOptions options)
    : weights_(std::move(weights)), options_(options) {
  for (const auto& w : weights_) {
    first_.push_back(torch::zeros_like(w));
    second_.push_back(torch::zeros_like(w));
  }
}

double AdamW::step(double rate, double clip) {
  torch::NoGradGuard no_grad;
  double square = 0;
  for (const auto& w : weights_) {
    if (w.grad().defined()) square += w.grad().pow(2).sum().item<double>();
  }
  const double norm = std::sqrt(square);
  const double scale = clip > 0 && norm > clip ? clip / norm : 1;
  ++count_;
  const double correct1 = 1 - std::pow(options_.beta1, static_cast<double>(count_));
  const double correct2 = 1 - std::pow(options_.beta2, static_cast<double>(count_));
  for (size_t i = 0; i < weights_.size(); ++i) {
    auto& w = weights_[i];
    if (!w.grad().defined()) continue;
    const auto g = w.grad() * scale;
    first_[i].mul_(options_.beta1).add_(g, 1 - options_.beta1);
    second_[i].mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
    if (w.dim() == 2) w.mul_(1 - rate * options_.weight_decay);
    const auto spread = (second_[i] / correct2).sqrt_().add_(options_.eps);
    w.addcdiv_(first_[i], spread, -rate / correct1);
    w.mutable_grad().reset();
  }
  return norm;
}

double scheduled_rate(int64_t step, int64_t warmup, int64_t steps, double rate, double final_rate) {
  if (step < warmup) return rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double done =
      static_cast<double>(step - warmup) / static_cast<double>(std::max<int64_t>(1, steps - warmup));
  return rate *
         (final_rate + (1 - final_rate) * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done))));
}

}  // namespace netflowgen::learn
