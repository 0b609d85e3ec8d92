// Fused CPU loops behind ops.h: plain pointers, one call a range of rows, callers split the rows over
// threads. Each is compiled for AVX-512, AVX2 and the baseline and chosen at load time. bench/train shows
// what they buy.
#pragma once

#include <cstdint>

namespace netflowgen::learn {

// y, x [rows, d]; inverse [rows] is kept for the backward pass.
void rms_norm_forward(const float* x, const float* weight, float eps, int64_t rows, int64_t d, float* y,
                      float* inverse);
// dx [rows, d]; dweight [d] is added to.
void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inverse,
                       int64_t rows, int64_t d, float* dx, float* dweight);

// x [rows, 2 f] = [a, b], y [rows, f] = silu(a) b.
void swiglu_forward(const float* x, int64_t rows, int64_t f, float* y);
void swiglu_backward(const float* dy, const float* x, int64_t rows, int64_t f, float* dx);

// logits [rows, vocabulary] are turned into softmax per group (in place allowed); nll [rows, groups].
void group_nll_forward(const float* logits, const int32_t* targets, const int* sizes, int64_t groups,
                       int64_t rows, int64_t vocabulary, float* softmax, float* nll);
// dlogits [rows, vocabulary] from softmax and dnll [rows, groups].
void group_nll_backward(const float* softmax, const int32_t* targets, const float* dnll, const int* sizes,
                        int64_t groups, int64_t rows, int64_t vocabulary, float* dlogits);

// Strides of one (window, head) of q [T, H, hd] and k, v [S, G, hd]: elements between positions.
struct AttentionShape {
  int64_t queries;   // T
  int64_t keys;      // S >= T; query t stands at key S - T + t
  int64_t head_dim;  // at most kMaxHeadDim
  int64_t window;
  int64_t query_stride;
  int64_t key_stride;
  int64_t out_stride;  // of o and do
};
inline constexpr int64_t kMaxHeadDim = 128;
// o [T] rows of head_dim; logsum [T] for the backward pass. One query head against its kv head.
void attention_forward(const AttentionShape& s, const float* q, const float* k, const float* v, float* o,
                       float* logsum);
// dq is written; dk, dv are added to.
void attention_backward(const AttentionShape& s, const float* q, const float* k, const float* v,
                        const float* o, const float* dout, const float* logsum, float* dq, float* dk,
                        float* dv);

}  // namespace netflowgen::learn
