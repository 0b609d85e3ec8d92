// The fast twins: autograd functions over kernels.h, for float tensors on the CPU.
#include "learn/ops.h"

#include <ATen/Parallel.h>

#include "learn/kernels.h"

namespace netflowgen::learn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr int64_t kGrain = 64;  // rows a task

// Partial sums over rows are kept for a fixed number of slices, so that the result does not depend on the
// threads.
constexpr int64_t kSlices = 16;

bool fast(const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat; }

struct RmsNorm : Function<RmsNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& x_in, const Tensor& weight, double eps) {
    const Tensor x = x_in.contiguous();
    const int64_t d = x.size(-1);
    const int64_t rows = x.numel() / d;
    Tensor y = torch::empty_like(x);
    Tensor inverse = torch::empty({rows}, x.options());
    at::parallel_for(0, rows, kGrain, [&](int64_t a, int64_t b) {
      rms_norm_forward(x.data_ptr<float>() + a * d, weight.data_ptr<float>(), static_cast<float>(eps), b - a,
                       d, y.data_ptr<float>() + a * d, inverse.data_ptr<float>() + a);
    });
    context->save_for_backward({x, weight, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &inverse = saved[2];
    const Tensor dy = grads[0].contiguous();
    const int64_t d = x.size(-1);
    const int64_t rows = x.numel() / d;
    Tensor dx = torch::empty_like(x);
    Tensor parts = torch::zeros({kSlices, d}, x.options());
    at::parallel_for(0, kSlices, 1, [&](int64_t a, int64_t b) {
      for (int64_t s = a; s < b; ++s) {
        const int64_t first = rows * s / kSlices;
        const int64_t last = rows * (s + 1) / kSlices;
        rms_norm_backward(dy.data_ptr<float>() + first * d, x.data_ptr<float>() + first * d,
                          weight.data_ptr<float>(), inverse.data_ptr<float>() + first, last - first, d,
                          dx.data_ptr<float>() + first * d, parts.data_ptr<float>() + s * d);
      }
    });
    return {dx, parts.sum(0), Tensor()};
  }
};

struct Swiglu : Function<Swiglu> {
  static Tensor forward(AutogradContext* context, const Tensor& x_in) {
    const Tensor x = x_in.contiguous();
    const int64_t f = x.size(-1) / 2;
    const int64_t rows = x.numel() / (2 * f);
    auto shape = x.sizes().vec();
    shape.back() = f;
    Tensor y = torch::empty(shape, x.options());
    at::parallel_for(0, rows, kGrain, [&](int64_t a, int64_t b) {
      swiglu_forward(x.data_ptr<float>() + a * 2 * f, b - a, f, y.data_ptr<float>() + a * f);
    });
    context->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const Tensor x = context->get_saved_variables()[0];
    const Tensor dy = grads[0].contiguous();
    const int64_t f = x.size(-1) / 2;
    Tensor dx = torch::empty_like(x);
    at::parallel_for(0, x.numel() / (2 * f), kGrain, [&](int64_t a, int64_t b) {
      swiglu_backward(dy.data_ptr<float>() + a * f, x.data_ptr<float>() + a * 2 * f, b - a, f,
                      dx.data_ptr<float>() + a * 2 * f);
    });
    return {dx};
  }
};

struct GroupNll : Function<GroupNll> {
  static Tensor forward(AutogradContext* context, const Tensor& logits_in, const Tensor& targets_in,
                        const Tensor& sizes) {
    const Tensor logits = logits_in.contiguous();
    const Tensor targets = targets_in.contiguous();
    const int64_t v = logits.size(1);
    const int64_t groups = targets.size(1);
    Tensor softmax = torch::empty_like(logits);
    Tensor nll = torch::empty({logits.size(0), groups}, logits.options());
    at::parallel_for(0, logits.size(0), kGrain, [&](int64_t a, int64_t b) {
      group_nll_forward(logits.data_ptr<float>() + a * v, targets.data_ptr<int32_t>() + a * groups,
                        sizes.data_ptr<int32_t>(), groups, b - a, v, softmax.data_ptr<float>() + a * v,
                        nll.data_ptr<float>() + a * groups);
    });
    context->save_for_backward({softmax, targets, sizes});
    return nll;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &softmax = saved[0], &targets = saved[1], &sizes = saved[2];
    const Tensor dnll = grads[0].contiguous();
    const int64_t v = softmax.size(1);
    const int64_t groups = targets.size(1);
    Tensor dlogits = torch::empty_like(softmax);
    at::parallel_for(0, softmax.size(0), kGrain, [&](int64_t a, int64_t b) {
      group_nll_backward(softmax.data_ptr<float>() + a * v, targets.data_ptr<int32_t>() + a * groups,
                         dnll.data_ptr<float>() + a * groups, sizes.data_ptr<int32_t>(), groups, b - a, v,
                         dlogits.data_ptr<float>() + a * v);
    });
    return {dlogits, Tensor(), Tensor()};
  }
};

AttentionShape shape_of(const Tensor& q, const Tensor& k, int64_t window) {
  const int64_t hd = q.size(3);
  return {q.size(1), k.size(1), hd, window, q.size(2) * hd, k.size(2) * hd, q.size(2) * hd};
}

struct WindowAttention : Function<WindowAttention> {
  static Tensor forward(AutogradContext* context, const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
                        int64_t window) {
    const Tensor q = q_in.contiguous();
    const Tensor k = k_in.contiguous();
    const Tensor v = v_in.contiguous();
    const AttentionShape s = shape_of(q, k, window);
    const int64_t heads = q.size(2);
    const int64_t group = heads / k.size(2);
    Tensor o = torch::empty_like(q);
    Tensor logsum = torch::empty({q.size(0), heads, q.size(1)}, q.options());
    at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t a, int64_t b) {
      for (int64_t n = a; n < b; ++n) {
        const int64_t w = n / heads;
        const int64_t h = n % heads;
        const int64_t qo = w * s.queries * s.query_stride + h * s.head_dim;
        const int64_t ko = w * s.keys * s.key_stride + h / group * s.head_dim;
        attention_forward(s, q.data_ptr<float>() + qo, k.data_ptr<float>() + ko, v.data_ptr<float>() + ko,
                          o.data_ptr<float>() + qo, logsum.data_ptr<float>() + n * s.queries);
      }
    });
    context->save_for_backward({q, k, v, o, logsum});
    context->saved_data["window"] = window;
    return o.view({q.size(0), q.size(1), -1});
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &o = saved[3], &logsum = saved[4];
    const AttentionShape s = shape_of(q, k, context->saved_data["window"].toInt());
    const Tensor dout = grads[0].contiguous();
    const int64_t heads = q.size(2);
    const int64_t kv = k.size(2);
    const int64_t group = heads / kv;
    Tensor dq = torch::empty_like(q);
    Tensor dk = torch::zeros_like(k);
    Tensor dv = torch::zeros_like(v);
    // One task a (window, kv head): its query heads add to the same dk and dv in a fixed order.
    at::parallel_for(0, q.size(0) * kv, 1, [&](int64_t a, int64_t b) {
      for (int64_t n = a; n < b; ++n) {
        const int64_t w = n / kv;
        const int64_t ko = w * s.keys * s.key_stride + n % kv * s.head_dim;
        for (int64_t h = n % kv * group; h < (n % kv + 1) * group; ++h) {
          const int64_t qo = w * s.queries * s.query_stride + h * s.head_dim;
          attention_backward(s, q.data_ptr<float>() + qo, k.data_ptr<float>() + ko, v.data_ptr<float>() + ko,
                             o.data_ptr<float>() + qo, dout.data_ptr<float>() + qo,
                             logsum.data_ptr<float>() + (w * heads + h) * s.queries,
                             dq.data_ptr<float>() + qo, dk.data_ptr<float>() + ko, dv.data_ptr<float>() + ko);
        }
      }
    });
    return {dq, dk, dv, Tensor()};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return fast(x) ? RmsNorm::apply(x, weight, eps) : rms_norm_reference(x, weight, eps);
}

Tensor swiglu(const Tensor& x) { return fast(x) ? Swiglu::apply(x) : swiglu_reference(x); }

Tensor window_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t window) {
  if (!fast(q) || q.size(3) > kMaxHeadDim) return window_attention_reference(q, k, v, window);
  return WindowAttention::apply(q, k, v, window);
}

Tensor group_nll(const Tensor& logits, const Tensor& targets, const std::vector<int>& sizes) {
  if (!fast(logits)) return group_nll_reference(logits, targets, sizes);
  return GroupNll::apply(logits, targets.to(torch::kInt), torch::tensor(sizes, torch::kInt));
}

}  // namespace netflowgen::learn
