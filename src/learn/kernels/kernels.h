// Fused CPU loops behind ops.h and adamw.h: plain pointers, one call a range of rows, callers split the rows over
// threads. One source (kernels_impl.h) compiled for AVX-512, AVX2 and the baseline; kernels() chooses by the CPU.
// bench/train shows what they buy. No LibTorch here.
#pragma once

#include <cstdint>
#include <vector>

namespace netflowgen::learn {

// Strides of one (window, head) of q [T, H, hd] and k, v [S, G, hd]: elements between positions.
struct AttentionShape {
  int64_t queries;   // T
  int64_t keys;      // S >= T; query t is at key S - T + t
  int64_t head_dim;  // at most kMaxHeadDim
  int64_t window;
  int64_t query_stride;  // of q and dq
  int64_t key_stride;    // of k, v, dk, dv
  int64_t out_stride;    // of o and do
};
inline constexpr int64_t kMaxHeadDim = 128;

struct AdamStep {
  float beta1, beta2, eps;
  float scale;    // of the gradient (clipping)
  float decay;    // weights are first multiplied by it
  float rate;     // learning rate over the first bias correction
  float correct;  // 1 / second bias correction
};

struct Kernels {
  const char* name;

  // y, x [rows, d]; inverse [rows] is kept for the backward pass.
  void (*rms_norm_forward)(const float* x, const float* weight, float eps, int64_t rows, int64_t d, float* y,
                           float* inverse);
  // dx [rows, d]; dweight [d] is added to.
  void (*rms_norm_backward)(const float* dy, const float* x, const float* weight, const float* inverse,
                            int64_t rows, int64_t d, float* dx, float* dweight);

  // x [rows, 2 f] = [a, b], y [rows, f] = silu(a) b.
  void (*swiglu_forward)(const float* x, int64_t rows, int64_t f, float* y);
  void (*swiglu_backward)(const float* dy, const float* x, int64_t rows, int64_t f, float* dx);

  // y [rows, d] = sum of the table's rows ids[row, 0..slots).
  void (*embed_forward)(const float* table, const int64_t* ids, int64_t rows, int64_t slots, int64_t d,
                        float* y);
  // dtable is added to.
  void (*embed_backward)(const float* dy, const int64_t* ids, int64_t rows, int64_t slots, int64_t d,
                         float* dtable);

  // Rotates halves of `heads` vectors of head_dim a row in place, by cos and sin [rows, head_dim / 2]; `stride`
  // elements between rows. back: by the opposite angle, which is the gradient.
  void (*rotate)(float* x, const float* cos, const float* sin, int64_t rows, int64_t stride, int64_t heads,
                 int64_t head_dim, bool back);

  // logits [rows, vocabulary] are turned into softmax per group (in place allowed); nll [rows, groups].
  void (*group_nll_forward)(const float* logits, const int32_t* targets, const int* sizes, int64_t groups,
                            int64_t rows, int64_t vocabulary, float* softmax, float* nll);
  // dlogits [rows, vocabulary] from softmax and dnll [rows, groups] (in place allowed).
  void (*group_nll_backward)(const float* softmax, const int32_t* targets, const float* dnll,
                             const int* sizes, int64_t groups, int64_t rows, int64_t vocabulary,
                             float* dlogits);
  // Sum of the negative log-likelihoods; logits become its gradient.
  double (*group_loss)(float* logits, const int32_t* targets, const int* sizes, int64_t groups, int64_t rows,
                       int64_t vocabulary);

  // o [T] rows of head_dim; logsum [T] for the backward pass. One query head against its kv head.
  void (*attention_forward)(const AttentionShape& s, const float* q, const float* k, const float* v, float* o,
                            float* logsum);
  // dq is written; dk, dv are added to.
  void (*attention_backward)(const AttentionShape& s, const float* q, const float* k, const float* v,
                             const float* o, const float* dout, const float* logsum, float* dq, float* dk,
                             float* dv);

  // One AdamW step of n weights, their gradient and its two running means.
  void (*adam)(const AdamStep& s, const float* gradient, int64_t n, float* weight, float* first,
               float* second);
};

// The widest that this CPU runs.
const Kernels& kernels();
// All that this CPU runs, the baseline first.
std::vector<const Kernels*> all_kernels();

}  // namespace netflowgen::learn
