// The fast implementations: autograd functions over kernels.h, for float tensors on the CPU.
#include "learn/network/ops.h"

#include <ATen/Parallel.h>

#include "learn/kernels/kernels.h"

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

// A fixed order of the products and contiguous gradients; torch::linear's are transposed views.
struct Linear : Function<Linear> {
  static Tensor forward(AutogradContext* context, const Tensor& x_in, const Tensor& weight) {
    const Tensor x = x_in.reshape({-1, x_in.size(-1)});
    context->save_for_backward({x, weight});
    auto shape = x_in.sizes().vec();
    shape.back() = weight.size(0);
    return torch::mm(x, weight.t()).view(shape);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor dy = grads[0].reshape({-1, weight.size(0)});
    Tensor dx;
    if (context->needs_input_grad(0)) {
      auto shape = grads[0].sizes().vec();
      shape.back() = weight.size(1);
      dx = torch::mm(dy, weight).view(shape);
    }
    Tensor dweight;
    if (context->needs_input_grad(1)) dweight = torch::mm(dy.t(), x);
    return {dx, dweight};
  }
};

struct EmbedSum : Function<EmbedSum> {
  static Tensor forward(AutogradContext* context, const Tensor& table, const Tensor& ids) {
    const int64_t d = table.size(1);
    const int64_t slots = ids.size(1);
    Tensor y = torch::empty({ids.size(0), d}, table.options());
    at::parallel_for(0, ids.size(0), kGrain, [&](int64_t a, int64_t b) {
      kernels().embed_forward(table.data_ptr<float>(), ids.data_ptr<int64_t>() + a * slots, b - a, slots, d,
                              y.data_ptr<float>() + a * d);
    });
    context->save_for_backward({ids});
    context->saved_data["rows"] = table.size(0);
    return y;
  }

  // One thread: rows of the table meet. Slices of a batch run side by side (slices.h).
  static variable_list backward(AutogradContext* context, variable_list grads) {
    const Tensor ids = context->get_saved_variables()[0];
    const Tensor dy = grads[0].contiguous();
    Tensor dtable = torch::zeros({context->saved_data["rows"].toInt(), dy.size(1)}, dy.options());
    kernels().embed_backward(dy.data_ptr<float>(), ids.data_ptr<int64_t>(), ids.size(0), ids.size(1),
                             dy.size(1), dtable.data_ptr<float>());
    return {dtable, Tensor()};
  }
};

struct RmsNorm : Function<RmsNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& x_in, const Tensor& weight, double eps) {
    const Tensor x = x_in.contiguous();
    const int64_t d = x.size(-1);
    const int64_t rows = x.numel() / d;
    Tensor y = torch::empty_like(x);
    Tensor inverse = torch::empty({rows}, x.options());
    at::parallel_for(0, rows, kGrain, [&](int64_t a, int64_t b) {
      kernels().rms_norm_forward(x.data_ptr<float>() + a * d, weight.data_ptr<float>(),
                                 static_cast<float>(eps), b - a, d, y.data_ptr<float>() + a * d,
                                 inverse.data_ptr<float>() + a);
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
        kernels().rms_norm_backward(dy.data_ptr<float>() + first * d, x.data_ptr<float>() + first * d,
                                    weight.data_ptr<float>(), inverse.data_ptr<float>() + first, last - first,
                                    d, dx.data_ptr<float>() + first * d, parts.data_ptr<float>() + s * d);
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
      kernels().swiglu_forward(x.data_ptr<float>() + a * 2 * f, b - a, f, y.data_ptr<float>() + a * f);
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
      kernels().swiglu_backward(dy.data_ptr<float>() + a * f, x.data_ptr<float>() + a * 2 * f, b - a, f,
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
      kernels().group_nll_forward(logits.data_ptr<float>() + a * v, targets.data_ptr<int32_t>() + a * groups,
                                  sizes.data_ptr<int32_t>(), groups, b - a, v,
                                  softmax.data_ptr<float>() + a * v, nll.data_ptr<float>() + a * groups);
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
      kernels().group_nll_backward(softmax.data_ptr<float>() + a * v,
                                   targets.data_ptr<int32_t>() + a * groups,
                                   dnll.data_ptr<float>() + a * groups, sizes.data_ptr<int32_t>(), groups,
                                   b - a, v, dlogits.data_ptr<float>() + a * v);
    });
    return {dlogits, Tensor(), Tensor()};
  }
};

// Where the heads of one attention lie: elements between windows and between positions.
struct Heads {
  AttentionShape shape;
  int64_t windows, heads, kv;
  int64_t q_window, k_window, o_window;  // elements a window

  int64_t group() const { return heads / kv; }
};

void attend_forward(const Heads& h, const float* q, const float* k, const float* v, float* o, float* logsum) {
  const AttentionShape& s = h.shape;
  at::parallel_for(0, h.windows * h.heads, 1, [&](int64_t a, int64_t b) {
    for (int64_t n = a; n < b; ++n) {
      const int64_t w = n / h.heads;
      const int64_t head = n % h.heads;
      const int64_t ko = w * h.k_window + head / h.group() * s.head_dim;
      kernels().attention_forward(s, q + w * h.q_window + head * s.head_dim, k + ko, v + ko,
                                  o + w * h.o_window + head * s.head_dim, logsum + n * s.queries);
    }
  });
}

// One task a (window, kv head): its query heads add to the same dk and dv in a fixed order.
void attend_backward(const Heads& h, const float* q, const float* k, const float* v, const float* o,
                     const float* dout, const float* logsum, float* dq, float* dk, float* dv) {
  const AttentionShape& s = h.shape;
  at::parallel_for(0, h.windows * h.kv, 1, [&](int64_t a, int64_t b) {
    for (int64_t n = a; n < b; ++n) {
      const int64_t w = n / h.kv;
      const int64_t ko = w * h.k_window + n % h.kv * s.head_dim;
      for (int64_t head = n % h.kv * h.group(); head < (n % h.kv + 1) * h.group(); ++head) {
        const int64_t qo = w * h.q_window + head * s.head_dim;
        const int64_t oo = w * h.o_window + head * s.head_dim;
        kernels().attention_backward(s, q + qo, k + ko, v + ko, o + oo, dout + oo,
                                     logsum + (w * h.heads + head) * s.queries, dq + qo, dk + ko, dv + ko);
      }
    }
  });
}

struct WindowAttention : Function<WindowAttention> {
  static Heads heads_of(const Tensor& q, const Tensor& k, int64_t window) {
    const int64_t hd = q.size(3);
    const int64_t row = q.size(2) * hd;
    const int64_t k_row = k.size(2) * hd;
    return {{q.size(1), k.size(1), hd, window, row, k_row, row},
            q.size(0),
            q.size(2),
            k.size(2),
            q.size(1) * row,
            k.size(1) * k_row,
            q.size(1) * row};
  }

  static Tensor forward(AutogradContext* context, const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
                        int64_t window) {
    const Tensor q = q_in.contiguous();
    const Tensor k = k_in.contiguous();
    const Tensor v = v_in.contiguous();
    Tensor o = torch::empty_like(q);
    Tensor logsum = torch::empty({q.size(0), q.size(2), q.size(1)}, q.options());
    attend_forward(heads_of(q, k, window), q.data_ptr<float>(), k.data_ptr<float>(), v.data_ptr<float>(),
                   o.data_ptr<float>(), logsum.data_ptr<float>());
    context->save_for_backward({q, k, v, o, logsum});
    context->saved_data["window"] = window;
    return o.view({q.size(0), q.size(1), -1});
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &o = saved[3], &logsum = saved[4];
    const Tensor dout = grads[0].contiguous();
    Tensor dq = torch::empty_like(q);
    Tensor dk = torch::zeros_like(k);
    Tensor dv = torch::zeros_like(v);
    attend_backward(heads_of(q, k, context->saved_data["window"].toInt()), q.data_ptr<float>(),
                    k.data_ptr<float>(), v.data_ptr<float>(), o.data_ptr<float>(), dout.data_ptr<float>(),
                    logsum.data_ptr<float>(), dq.data_ptr<float>(), dk.data_ptr<float>(),
                    dv.data_ptr<float>());
    return {dq, dk, dv, Tensor()};
  }
};

// Queries, keys and values stay in the one buffer that their product wrote.
struct QkvAttention : Function<QkvAttention> {
  static Heads heads_of(const Tensor& qkv, int64_t heads, int64_t window) {
    const int64_t hd = qkv.size(3);
    const int64_t row = qkv.size(2) * hd;
    const int64_t t = qkv.size(1);
    return {{t, t, hd, window, row, row, heads * hd},
            qkv.size(0),
            heads,
            (qkv.size(2) - heads) / 2,
            t * row,
            t * row,
            t * heads * hd};
  }

  static void turn(const Tensor& qkv, const Tensor& cos, const Tensor& sin, const Heads& h, bool back) {
    const int64_t row = h.shape.query_stride;
    const int64_t half = h.shape.head_dim / 2;
    at::parallel_for(0, qkv.size(0) * qkv.size(1), kGrain, [&](int64_t a, int64_t b) {
      kernels().rotate(qkv.data_ptr<float>() + a * row, cos.data_ptr<float>() + a * half,
                       sin.data_ptr<float>() + a * half, b - a, row, h.heads + h.kv, h.shape.head_dim, back);
    });
  }

  static Tensor forward(AutogradContext* context, const Tensor& qkv_in, const Tensor& cos, const Tensor& sin,
                        int64_t heads, int64_t window) {
    const Tensor qkv = qkv_in.contiguous().clone();
    const Heads h = heads_of(qkv, heads, window);
    turn(qkv, cos, sin, h, false);
    Tensor o = torch::empty({qkv.size(0), qkv.size(1), heads * h.shape.head_dim}, qkv.options());
    Tensor logsum = torch::empty({qkv.size(0), heads, qkv.size(1)}, qkv.options());
    const float* q = qkv.data_ptr<float>();
    const float* k = q + heads * h.shape.head_dim;
    attend_forward(h, q, k, k + h.kv * h.shape.head_dim, o.data_ptr<float>(), logsum.data_ptr<float>());
    context->save_for_backward({qkv, cos, sin, o, logsum});
    context->saved_data["heads"] = heads;
    context->saved_data["window"] = window;
    return o;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &qkv = saved[0], &cos = saved[1], &sin = saved[2], &o = saved[3], &logsum = saved[4];
    const int64_t heads = context->saved_data["heads"].toInt();
    const Heads h = heads_of(qkv, heads, context->saved_data["window"].toInt());
    const Tensor dout = grads[0].contiguous();
    Tensor dqkv = torch::zeros_like(qkv);
    const int64_t k = heads * h.shape.head_dim;  // offset of the keys in a row
    const int64_t v = k + h.kv * h.shape.head_dim;
    const float* from = qkv.data_ptr<float>();
    float* to = dqkv.data_ptr<float>();
    attend_backward(h, from, from + k, from + v, o.data_ptr<float>(), dout.data_ptr<float>(),
                    logsum.data_ptr<float>(), to, to + k, to + v);
    turn(dqkv, cos, sin, h, true);
    return {dqkv, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

struct NextLoss : Function<NextLoss> {
  static Tensor forward(AutogradContext* context, const Tensor& hidden, const Tensor& weight,
                        const Tensor& bias, const Tensor& targets, const std::vector<int>& sizes) {
    Tensor logits = torch::addmm(bias, hidden, weight.t());
    const int64_t v = logits.size(1);
    const auto groups = static_cast<int64_t>(sizes.size());
    std::vector<double> sums(kSlices);
    at::parallel_for(0, kSlices, 1, [&](int64_t a, int64_t b) {
      for (int64_t s = a; s < b; ++s) {
        const int64_t first = logits.size(0) * s / kSlices;
        const int64_t last = logits.size(0) * (s + 1) / kSlices;
        sums[static_cast<size_t>(s)] = kernels().group_loss(logits.data_ptr<float>() + first * v,
                                                            targets.data_ptr<int32_t>() + first * groups,
                                                            sizes.data(), groups, last - first, v);
      }
    });
    context->save_for_backward({hidden, weight, logits});
    double total = 0;
    for (const double x : sums) total += x;
    return torch::full({}, total, hidden.options());
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const Tensor &hidden = saved[0], &weight = saved[1], &dlogits = saved[2];
    const Tensor& scale = grads[0];
    return {torch::mm(dlogits, weight).mul_(scale), torch::mm(dlogits.t(), hidden).mul_(scale),
            dlogits.sum(0).mul_(scale), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor project(const Tensor& x, const Tensor& weight) {
  return fast(x) ? Linear::apply(x, weight) : torch::linear(x, weight);
}

Tensor embed_sum(const Tensor& table, const Tensor& ids) {
  return fast(table) ? EmbedSum::apply(table, ids.contiguous()) : embed_sum_reference(table, ids);
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return fast(x) ? RmsNorm::apply(x, weight, eps) : rms_norm_reference(x, weight, eps);
}

Tensor swiglu(const Tensor& x) { return fast(x) ? Swiglu::apply(x) : swiglu_reference(x); }

Tensor window_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t window) {
  if (!fast(q) || q.size(3) > kMaxHeadDim) return window_attention_reference(q, k, v, window);
  return WindowAttention::apply(q, k, v, window);
}

Tensor qkv_attention(const Tensor& qkv, const Tensor& cos, const Tensor& sin, int64_t heads, int64_t window) {
  if (!fast(qkv) || qkv.size(3) > kMaxHeadDim) return qkv_attention_reference(qkv, cos, sin, heads, window);
  return QkvAttention::apply(qkv, cos, sin, heads, window);
}

Tensor group_nll(const Tensor& logits, const Tensor& targets, const std::vector<int>& sizes) {
  if (!fast(logits)) return group_nll_reference(logits, targets, sizes);
  return GroupNll::apply(logits, targets.to(torch::kInt), torch::tensor(sizes, torch::kInt));
}

Tensor next_loss(const Tensor& hidden, const Tensor& weight, const Tensor& bias, const Tensor& targets,
                 const std::vector<int>& sizes) {
  if (!fast(hidden)) return next_loss_reference(hidden, weight, bias, targets, sizes);
  return NextLoss::apply(hidden, weight, bias, targets.to(torch::kInt).contiguous(), sizes);
}

}  // namespace netflowgen::learn
