// AdamW (Loshchilov and Hutter, 2019) over a Network's weights, with plain state so that a checkpoint holds
// it.
#pragma once

#include <vector>

#include "learn/kernels/kernels.h"
#include "learn/network/torch.h"

namespace netflowgen::learn {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.98;
  double eps = 1e-8;
  double weight_decay = 0.05;  // matrices only: not on norms and biases
  bool plain = false;          // the reference implementation: LibTorch's operations
};

class AdamW {
 public:
  AdamW(std::vector<torch::Tensor> weights, AdamWOptions options);

  // One step from the weights' gradients, clipped to `clip` in total norm (0: not); clears them. Returns the
  // norm.
  double step(double rate, double clip);

  std::vector<torch::Tensor>& first() { return first_; }    // running means of the gradients
  std::vector<torch::Tensor>& second() { return second_; }  // and of their squares
  int64_t& count() { return count_; }

 private:
  void update(size_t i, const AdamStep& s);
  void update_reference(size_t i, const AdamStep& s);
  double gradient_norm() const;

  std::vector<torch::Tensor> weights_;
  AdamWOptions options_;
  std::vector<torch::Tensor> first_;
  std::vector<torch::Tensor> second_;
  int64_t count_ = 0;
};

// Linear warm-up, then a cosine down to `final_rate` of `rate` at `steps`.
double scheduled_rate(int64_t step, int64_t warmup, int64_t steps, double rate, double final_rate);

}  // namespace netflowgen::learn
