#include "learn/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

// One source, three instruction sets, chosen when the program is loaded.
#define NFG_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

namespace netflowgen::learn {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kBlock = 32;  // queries handled together

// e^x to 2e-7 relative, vectorisable: 2^n times a polynomial on [-ln2/2, ln2/2]. x below -87 gives about
// 1e-38.
inline float exp_fast(float x) {
  x = std::min(std::max(x, -87.0f), 88.0f);
  const float n = std::floor(x * 1.44269504f + 0.5f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float e = p * r * r + r + 1.0f;
  return e * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

// Lane-wise partial sums, so that the compiler may vectorise without reordering what we ask for.
inline float sum_of(const float* x, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] += x[i + k];
  }
  float sum = 0;
  for (; i < n; ++i) sum += x[i];
  for (int64_t k = 0; k < kLanes; ++k) sum += lanes[k];
  return sum;
}

inline float dot(const float* a, const float* b, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] += a[i + k] * b[i + k];
  }
  float sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (int64_t k = 0; k < kLanes; ++k) sum += lanes[k];
  return sum;
}

inline float max_of(const float* x, int64_t n) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, -INFINITY);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] = lanes[k] < x[i + k] ? x[i + k] : lanes[k];
  }
  float m = -INFINITY;
  for (; i < n; ++i) m = std::max(m, x[i]);
  for (int64_t k = 0; k < kLanes; ++k) m = std::max(m, lanes[k]);
  return m;
}

// A block of queries and the keys that any of them sees, transposed so that loops run over keys.
struct Block {
  int64_t first, rows;    // queries [first, first + rows)
  int64_t low, keys;      // keys [low, low + keys)
  int64_t stride;         // keys, padded to lanes
  std::vector<float> kt;  // [head_dim, stride]
  std::vector<float> p;   // [rows, stride]

  Block(const AttentionShape& s, int64_t begin) : first(begin), rows(std::min(kBlock, s.queries - begin)) {
    const int64_t past = s.keys - s.queries;
    low = std::max<int64_t>(0, past + first - s.window + 1);
    keys = past + first + rows - low;
    stride = (keys + kLanes - 1) / kLanes * kLanes;
    kt.resize(static_cast<size_t>(s.head_dim * stride));
    p.resize(static_cast<size_t>(rows * stride));
  }
  // Keys that query i of the block sees: [begin, end) relative to low.
  int64_t begin_of(const AttentionShape& s, int64_t i) const {
    return std::max<int64_t>(0, s.keys - s.queries + first + i - s.window + 1 - low);
  }
  int64_t end_of(const AttentionShape& s, int64_t i) const {
    return s.keys - s.queries + first + i + 1 - low;
  }
};

inline void transpose(const float* x, int64_t stride, int64_t n, int64_t d, float* out, int64_t out_stride) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t c = 0; c < d; ++c) out[c * out_stride + j] = x[j * stride + c];
  }
}

// out[j] = sum over c of a[c] * t[c, j], four c at a time so that out stays in registers' reach.
inline void row_times(const float* a, const float* t, int64_t d, int64_t stride, float* out) {
  std::fill(out, out + stride, 0.0f);
  for (int64_t c = 0; c + 4 <= d; c += 4) {
    const float a0 = a[c], a1 = a[c + 1], a2 = a[c + 2], a3 = a[c + 3];
    const float* t0 = t + c * stride;
    const float* t1 = t0 + stride;
    const float* t2 = t1 + stride;
    const float* t3 = t2 + stride;
    for (int64_t j = 0; j < stride; ++j) out[j] += a0 * t0[j] + a1 * t1[j] + a2 * t2[j] + a3 * t3[j];
  }
  for (int64_t c = d / 4 * 4; c < d; ++c) {
    for (int64_t j = 0; j < stride; ++j) out[j] += a[c] * t[c * stride + j];
  }
}

// out[c] += sum over j in [begin, end) of a[j] * x[j, c]
inline void weighted_rows(const float* a, const float* x, int64_t x_stride, int64_t begin, int64_t end,
                          int64_t d, float* out) {
  int64_t j = begin;
  for (; j + 4 <= end; j += 4) {
    const float* x0 = x + j * x_stride;
    const float* x1 = x0 + x_stride;
    const float* x2 = x1 + x_stride;
    const float* x3 = x2 + x_stride;
    for (int64_t c = 0; c < d; ++c)
      out[c] += a[j] * x0[c] + a[j + 1] * x1[c] + a[j + 2] * x2[c] + a[j + 3] * x3[c];
  }
  for (; j < end; ++j) {
    for (int64_t c = 0; c < d; ++c) out[c] += a[j] * x[j * x_stride + c];
  }
}

}  // namespace

NFG_CLONES void rms_norm_forward(const float* x, const float* weight, float eps, int64_t rows, int64_t d,
                                 float* y, float* inverse) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* xr = x + r * d;
    const float inv = 1.0f / std::sqrt(dot(xr, xr, d) / static_cast<float>(d) + eps);
    inverse[r] = inv;
    float* yr = y + r * d;
    for (int64_t i = 0; i < d; ++i) yr[i] = xr[i] * inv * weight[i];
  }
}

NFG_CLONES void rms_norm_backward(const float* dy, const float* x, const float* weight, const float* inverse,
                                  int64_t rows, int64_t d, float* dx, float* dweight) {
  std::vector<float> g(static_cast<size_t>(d));
  for (int64_t r = 0; r < rows; ++r) {
    const float* xr = x + r * d;
    const float* dyr = dy + r * d;
    const float inv = inverse[r];
    for (int64_t i = 0; i < d; ++i) {
      g[static_cast<size_t>(i)] = dyr[i] * weight[i];
      dweight[i] += dyr[i] * xr[i] * inv;
    }
    const float s = dot(g.data(), xr, d) * inv * inv * inv / static_cast<float>(d);
    float* dxr = dx + r * d;
    for (int64_t i = 0; i < d; ++i) dxr[i] = g[static_cast<size_t>(i)] * inv - xr[i] * s;
  }
}

NFG_CLONES void swiglu_forward(const float* x, int64_t rows, int64_t f, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* a = x + r * 2 * f;
    const float* b = a + f;
    float* yr = y + r * f;
    for (int64_t i = 0; i < f; ++i) yr[i] = a[i] / (1.0f + exp_fast(-a[i])) * b[i];
  }
}

NFG_CLONES void swiglu_backward(const float* dy, const float* x, int64_t rows, int64_t f, float* dx) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* a = x + r * 2 * f;
    const float* b = a + f;
    const float* g = dy + r * f;
    float* da = dx + r * 2 * f;
    float* db = da + f;
    for (int64_t i = 0; i < f; ++i) {
      const float s = 1.0f / (1.0f + exp_fast(-a[i]));
      da[i] = g[i] * b[i] * s * (1.0f + a[i] * (1.0f - s));
      db[i] = g[i] * a[i] * s;
    }
  }
}

NFG_CLONES void group_nll_forward(const float* logits, const int32_t* targets, const int* sizes,
                                  int64_t groups, int64_t rows, int64_t vocabulary, float* softmax,
                                  float* nll) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = logits + r * vocabulary;
    float* p = softmax + r * vocabulary;
    for (int64_t c = 0; c < groups; ++c) {
      const int64_t n = sizes[c];
      const float m = max_of(x, n);
      for (int64_t i = 0; i < n; ++i) p[i] = exp_fast(x[i] - m);
      const float sum = sum_of(p, n);
      const int32_t target = targets[r * groups + c];
      nll[r * groups + c] = target < 0 ? 0 : std::log(sum) - (x[target] - m);
      const float scale = 1.0f / sum;
      for (int64_t i = 0; i < n; ++i) p[i] *= scale;
      x += n;
      p += n;
    }
  }
}

NFG_CLONES void group_nll_backward(const float* softmax, const int32_t* targets, const float* dnll,
                                   const int* sizes, int64_t groups, int64_t rows, int64_t vocabulary,
                                   float* dlogits) {
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

NFG_CLONES void attention_forward(const AttentionShape& s, const float* q, const float* k, const float* v,
                                  float* o, float* logsum) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
  for (int64_t begin = 0; begin < s.queries; begin += kBlock) {
    Block b(s, begin);
    transpose(k + b.low * s.key_stride, s.key_stride, b.keys, s.head_dim, b.kt.data(), b.stride);
    for (int64_t i = 0; i < b.rows; ++i) {
      float* p = b.p.data() + i * b.stride;
      row_times(q + (begin + i) * s.query_stride, b.kt.data(), s.head_dim, b.stride, p);
      const int64_t from = b.begin_of(s, i);
      const int64_t to = b.end_of(s, i);
      const float m = max_of(p + from, to - from) * scale;
      for (int64_t j = from; j < to; ++j) p[j] = exp_fast(p[j] * scale - m);
      const float sum = sum_of(p + from, to - from);
      logsum[begin + i] = m + std::log(sum);
      float row[kMaxHeadDim] = {};
      weighted_rows(p, v + b.low * s.key_stride, s.key_stride, from, to, s.head_dim, row);
      const float inverse = 1.0f / sum;
      float* out = o + (begin + i) * s.out_stride;
      for (int64_t c = 0; c < s.head_dim; ++c) out[c] = row[c] * inverse;
    }
  }
}

NFG_CLONES void attention_backward(const AttentionShape& s, const float* q, const float* k, const float* v,
                                   const float* o, const float* dout, const float* logsum, float* dq,
                                   float* dk, float* dv) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
  std::vector<float> vt;
  std::vector<float> ds;
  for (int64_t begin = 0; begin < s.queries; begin += kBlock) {
    Block b(s, begin);
    transpose(k + b.low * s.key_stride, s.key_stride, b.keys, s.head_dim, b.kt.data(), b.stride);
    vt.assign(b.kt.size(), 0);
    transpose(v + b.low * s.key_stride, s.key_stride, b.keys, s.head_dim, vt.data(), b.stride);
    ds.assign(static_cast<size_t>(b.stride), 0);
    for (int64_t i = 0; i < b.rows; ++i) {
      const int64_t t = begin + i;
      const float* qi = q + t * s.query_stride;
      const float* gi = dout + t * s.out_stride;
      float* p = b.p.data() + i * b.stride;
      row_times(qi, b.kt.data(), s.head_dim, b.stride, p);
      row_times(gi, vt.data(), s.head_dim, b.stride, ds.data());
      const int64_t from = b.begin_of(s, i);
      const int64_t to = b.end_of(s, i);
      const float total = dot(gi, o + t * s.out_stride, s.head_dim);
      const float log_total = logsum[t];
      for (int64_t j = from; j < to; ++j) {
        p[j] = exp_fast(p[j] * scale - log_total);
        ds[static_cast<size_t>(j)] = p[j] * (ds[static_cast<size_t>(j)] - total) * scale;
      }
      float row[kMaxHeadDim] = {};
      weighted_rows(ds.data(), k + b.low * s.key_stride, s.key_stride, from, to, s.head_dim, row);
      std::copy(row, row + s.head_dim, dq + t * s.query_stride);
      for (int64_t j = from; j < to; ++j) {
        float* dkj = dk + (b.low + j) * s.key_stride;
        float* dvj = dv + (b.low + j) * s.key_stride;
        const float a = ds[static_cast<size_t>(j)];
        const float w = p[j];
        for (int64_t c = 0; c < s.head_dim; ++c) dkj[c] += a * qi[c];
        for (int64_t c = 0; c < s.head_dim; ++c) dvj[c] += w * gi[c];
      }
    }
  }
}

}  // namespace netflowgen::learn
