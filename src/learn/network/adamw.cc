#include "learn/network/adamw.h"

#include <ATen/Parallel.h>

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

void AdamW::update_reference(size_t i, const AdamStep& s) {
  auto& w = weights_[i];
  const auto g = w.grad() * s.scale;
  first_[i].mul_(s.beta1).add_(g, 1 - s.beta1);
  second_[i].mul_(s.beta2).addcmul_(g, g, 1 - s.beta2);
  w.mul_(s.decay).addcdiv_(first_[i], (second_[i] * s.correct).sqrt_().add_(s.eps), -s.rate);
}

void AdamW::update(size_t i, const AdamStep& s) {
  auto& w = weights_[i];
  const auto grad = w.grad().contiguous();
  if (!w.is_cpu() || w.scalar_type() != torch::kFloat || !w.is_contiguous()) return update_reference(i, s);
  at::parallel_for(0, w.numel(), 16384, [&](int64_t a, int64_t b) {
    kernels().adam(s, grad.data_ptr<float>() + a, b - a, w.data_ptr<float>() + a,
                   first_[i].data_ptr<float>() + a, second_[i].data_ptr<float>() + a);
  });
}

// One transfer from the device.
double AdamW::gradient_norm() const {
  std::vector<torch::Tensor> squares;
  for (const auto& w : weights_) {
    if (w.grad().defined()) squares.push_back(w.grad().pow(2).sum());
  }
  if (squares.empty()) return 0;
  const torch::Tensor all = torch::stack(squares).to(torch::kCPU, torch::kDouble);
  double sum = 0;
  for (size_t i = 0; i < squares.size(); ++i) sum += all.data_ptr<double>()[i];
  return std::sqrt(sum);
}

double AdamW::step(double rate, double clip) {
  torch::NoGradGuard no_grad;
  const double norm = gradient_norm();
  ++count_;
  const auto corrected = [&](double beta) { return 1 - std::pow(beta, static_cast<double>(count_)); };
  AdamStep s{};
  s.beta1 = static_cast<float>(options_.beta1);
  s.beta2 = static_cast<float>(options_.beta2);
  s.eps = static_cast<float>(options_.eps);
  s.scale = static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1);
  s.rate = static_cast<float>(rate / corrected(options_.beta1));
  s.correct = static_cast<float>(1 / corrected(options_.beta2));
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (!weights_[i].grad().defined()) continue;
    s.decay = static_cast<float>(weights_[i].dim() == 2 ? 1 - rate * options_.weight_decay : 1);
    options_.plain ? update_reference(i, s) : update(i, s);
    weights_[i].mutable_grad().reset();
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
