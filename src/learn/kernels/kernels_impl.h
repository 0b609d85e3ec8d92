// The loops behind kernels.h, one source for every instruction set: kernels_avx2.cc and its siblings include the
// vector type (src/simd), define NFG_KERNELS (the table's name) and include this. GCC's target_clones would not
// do: it lowers vector types before it clones, and attention then ran at a tenth of this speed (bench/train).
//
// Loops without exp are written a float at a time: the compiler makes vectors of them.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "learn/kernels/kernels.h"
#include "simd/math.h"

namespace netflowgen::learn {
namespace {

using simd::exp_of;
using simd::load_part;
using simd::silu_of;
using simd::store_part;
using simd::V;

constexpr int64_t kLanes = V::kLanes;

// Two registers of partial sums, so that additions do not wait for each other.
inline float sum_of(const float* x, int64_t n) {
  V a = V::zero();
  V b = V::zero();
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    a = a + V::load(x + i);
    b = b + V::load(x + i + kLanes);
  }
  float sum = 0;
  for (; i < n; ++i) sum += x[i];
  return sum + V::sum(a + b);
}

inline float dot(const float* x, const float* y, int64_t n) {
  V a = V::zero();
  V b = V::zero();
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    a = V::fma(V::load(x + i), V::load(y + i), a);
    b = V::fma(V::load(x + i + kLanes), V::load(y + i + kLanes), b);
  }
  float sum = 0;
  for (; i < n; ++i) sum += x[i] * y[i];
  return sum + V::sum(a + b);
}

inline float max_of(const float* x, int64_t n) {
  float m = -INFINITY;
  int64_t i = 0;
  if (n >= kLanes) {
    V a = V::load(x);
    for (i = kLanes; i + kLanes <= n; i += kLanes) a = V::max(a, V::load(x + i));
    m = V::max_of(a);
  }
  for (; i < n; ++i) m = m < x[i] ? x[i] : m;
  return m;
}

// y += x
inline void add_to(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

// Memory kept from call to call. No std::vector: its functions would be compiled for this instruction set and
// then serve, as the linker likes, the rest of the program too.
struct Buffer {
  float* data = nullptr;
  int64_t size = 0;
  ~Buffer() { std::free(data); }
};
struct Scratch {
  Buffer kt, vt, p, ds;
};
inline Scratch& scratch() {
  thread_local Scratch s;
  return s;
}
inline float* sized(Buffer& x, int64_t n) {
  if (x.size < n) {
    std::free(x.data);
    x.data = static_cast<float*>(std::malloc(static_cast<size_t>(n) * sizeof(float)));
    NFG_CHECK(x.data != nullptr);
    x.size = n;
  }
  return x.data;
}

#include "learn/kernels/kernels_attention_impl.h"

void rms_norm_forward(const float* x, const float* weight, float eps, int64_t rows, int64_t d, float* y,
                      float* inverse) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* xr = x + r * d;
    const float inv = 1.0f / std::sqrt(dot(xr, xr, d) / static_cast<float>(d) + eps);
    inverse[r] = inv;
    float* yr = y + r * d;
    for (int64_t i = 0; i < d; ++i) yr[i] = xr[i] * inv * weight[i];
  }
}

void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inverse,
                       int64_t rows, int64_t d, float* dx, float* dweight) {
  float* g = sized(scratch().p, d);
  for (int64_t r = 0; r < rows; ++r) {
    const float* xr = x + r * d;
    const float* dyr = dy + r * d;
    const float inv = inverse[r];
    for (int64_t i = 0; i < d; ++i) {
      g[i] = dyr[i] * weight[i];
      dweight[i] += dyr[i] * xr[i] * inv;
    }
    const float s = dot(g, xr, d) * inv * inv * inv / static_cast<float>(d);
    float* dxr = dx + r * d;
    for (int64_t i = 0; i < d; ++i) dxr[i] = g[i] * inv - xr[i] * s;
  }
}

void swiglu_forward(const float* x, int64_t rows, int64_t f, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* a = x + r * 2 * f;
    const float* b = a + f;
    float* yr = y + r * f;
    for (int64_t i = 0; i < f; i += kLanes) {
      const int64_t n = f - i;
      store_part(silu_of(load_part(a + i, n, 0)) * load_part(b + i, n, 0), yr + i, n);
    }
  }
}

void swiglu_backward(const float* dy, const float* x, int64_t rows, int64_t f, float* dx) {
  const V one = V::set(1.0f);
  for (int64_t r = 0; r < rows; ++r) {
    const float* a = x + r * 2 * f;
    const float* b = a + f;
    const float* g = dy + r * f;
    float* da = dx + r * 2 * f;
    float* db = da + f;
    for (int64_t i = 0; i < f; i += kLanes) {
      const int64_t n = f - i;
      const V ai = load_part(a + i, n, 0);
      const V gi = load_part(g + i, n, 0);
      const V s = one / (one + exp_of(V::zero() - ai));
      store_part(gi * load_part(b + i, n, 0) * s * V::fma(ai, one - s, one), da + i, n);
      store_part(gi * ai * s, db + i, n);
    }
  }
}

void embed_forward(const float* table, const int64_t* ids, int64_t rows, int64_t slots, int64_t d, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    float* yr = y + r * d;
    const int64_t* id = ids + r * slots;
    std::fill(yr, yr + d, 0.0f);
    for (int64_t s = 0; s < slots; ++s) add_to(table + id[s] * d, d, yr);
  }
}

void embed_backward(const float* dy, const int64_t* ids, int64_t rows, int64_t slots, int64_t d,
                    float* dtable) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t s = 0; s < slots; ++s) add_to(dy + r * d, d, dtable + ids[r * slots + s] * d);
  }
}

void rotate(float* x, const float* cos, const float* sin, int64_t rows, int64_t stride, int64_t heads,
            int64_t head_dim, bool back) {
  const int64_t half = head_dim / 2;
  const float sign = back ? -1.0f : 1.0f;
  for (int64_t r = 0; r < rows; ++r) {
    const float* c = cos + r * half;
    const float* s = sin + r * half;
    for (int64_t h = 0; h < heads; ++h) {
      float* a = x + r * stride + h * head_dim;
      float* b = a + half;
      for (int64_t i = 0; i < half; ++i) {
        const float u = a[i];
        const float v = b[i];
        const float w = sign * s[i];
        a[i] = u * c[i] - v * w;
        b[i] = u * w + v * c[i];
      }
    }
  }
}

// Softmax of one group in place; returns its nll of `target` (-1: 0).
inline float softmax_group(const float* x, int64_t n, int32_t target, float* p) {
  const float m = max_of(x, n);
  const float at_target = target < 0 ? 0 : x[target] - m;
  V total = V::zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    // What is past n adds exp(-87), which the sum, at least 1, does not feel.
    const V e = exp_of(load_part(x + i, n - i, -3e38f) - V::set(m));
    total = total + e;
    store_part(e, p + i, n - i);
  }
  const float sum = V::sum(total);
  const float scale = 1.0f / sum;
  for (int64_t i = 0; i < n; ++i) p[i] *= scale;
  return target < 0 ? 0 : std::log(sum) - at_target;
}

void group_nll_forward(const float* logits, const int32_t* targets, const int* sizes, int64_t groups,
                       int64_t rows, int64_t vocabulary, float* softmax, float* nll) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = logits + r * vocabulary;
    float* p = softmax + r * vocabulary;
    for (int64_t c = 0; c < groups; ++c) {
      nll[r * groups + c] = softmax_group(x, sizes[c], targets[r * groups + c], p);
      x += sizes[c];
      p += sizes[c];
    }
  }
}

void group_nll_backward(const float* softmax, const int32_t* targets, const float* dnll, const int* sizes,
                        int64_t groups, int64_t rows, int64_t vocabulary, float* dlogits) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* p = softmax + r * vocabulary;
    float* d = dlogits + r * vocabulary;
    for (int64_t c = 0; c < groups; ++c) {
      const int64_t n = sizes[c];
      const int32_t target = targets[r * groups + c];
      const float g = target < 0 ? 0.0f : dnll[r * groups + c];
      for (int64_t i = 0; i < n; ++i) d[i] = p[i] * g;
      if (target >= 0) d[target] -= g;
      p += n;
      d += n;
    }
  }
}

double group_loss(float* logits, const int32_t* targets, const int* sizes, int64_t groups, int64_t rows,
                  int64_t vocabulary) {
  double total = 0;
  for (int64_t r = 0; r < rows; ++r) {
    float* x = logits + r * vocabulary;
    for (int64_t c = 0; c < groups; ++c) {
      const int32_t target = targets[r * groups + c];
      if (target < 0) {
        std::fill(x, x + sizes[c], 0.0f);
      } else {
        total += static_cast<double>(softmax_group(x, sizes[c], target, x));
        x[target] -= 1.0f;
      }
      x += sizes[c];
    }
  }
  return total;
}

void adam(const AdamStep& s, const float* gradient, int64_t n, float* weight, float* first, float* second) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * s.scale;
    first[i] = first[i] * s.beta1 + g * (1 - s.beta1);
    second[i] = second[i] * s.beta2 + g * g * (1 - s.beta2);
    weight[i] = weight[i] * s.decay - s.rate * first[i] / (std::sqrt(second[i] * s.correct) + s.eps);
  }
}

}  // namespace

extern const Kernels NFG_KERNELS;
const Kernels NFG_KERNELS = {
#define NFG_TEXT_OF(x) #x
#define NFG_TEXT(x) NFG_TEXT_OF(x)
    NFG_TEXT(NFG_KERNELS),
    rms_norm_forward,
    rms_norm_backward,
    swiglu_forward,
    swiglu_backward,
    embed_forward,
    embed_backward,
    rotate,
    group_nll_forward,
    group_nll_backward,
    group_loss,
    attention_forward,
    attention_backward,
    adam,
};

}  // namespace netflowgen::learn
