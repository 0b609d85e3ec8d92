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

// A small matrix: element (i, j) at data[i * row + j * column].
struct Strided {
  const float* data;
  int64_t row;
  int64_t column;
};

using Vector = float __attribute__((vector_size(64), aligned(4)));  // 16 floats, any alignment

// C[0..R, 0..16 V) (+)= A[0..R, 0..k) B[0..k, 0..16 V): the accumulators stay in registers.
template <int R, int V>
[[gnu::always_inline]] inline void tile(const Strided& a, const float* b, int64_t ldb, int64_t k, bool add,
                                        float* c, int64_t ldc) {
  Vector sum[R][V] = {};
  for (int64_t p = 0; p < k; ++p) {
    Vector bv[V];
    for (int v = 0; v < V; ++v) bv[v] = *reinterpret_cast<const Vector*>(b + p * ldb + v * kLanes);
    for (int r = 0; r < R; ++r) {
      const float x = a.data[r * a.row + p * a.column];
      for (int v = 0; v < V; ++v) sum[r][v] += x * bv[v];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      auto* out = reinterpret_cast<Vector*>(c + r * ldc + v * kLanes);
      *out = add ? *out + sum[r][v] : sum[r][v];
    }
  }
}

template <int R>
[[gnu::always_inline]] inline void tile_row(const Strided& a, const float* b, int64_t ldb, int64_t n,
                                            int64_t k, bool add, float* c, int64_t ldc) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) tile<R, 2>(a, b + j, ldb, k, add, c + j, ldc);
  for (; j + kLanes <= n; j += kLanes) tile<R, 1>(a, b + j, ldb, k, add, c + j, ldc);
  for (; j < n; ++j) {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += a.data[r * a.row + p * a.column] * b[p * ldb + j];
      c[r * ldc + j] = add ? c[r * ldc + j] + sum : sum;
    }
  }
}

// C [m, n] (+)= A [m, k] B [k, n], B and C row-major.
[[gnu::always_inline]] inline void small_gemm(Strided a, const float* b, int64_t ldb, int64_t m, int64_t n,
                                              int64_t k, bool add, float* c, int64_t ldc) {
  int64_t i = 0;
  for (; i + 6 <= m; i += 6, a.data += 6 * a.row) tile_row<6>(a, b, ldb, n, k, add, c + i * ldc, ldc);
  for (; i < m; ++i, a.data += a.row) tile_row<1>(a, b, ldb, n, k, add, c + i * ldc, ldc);
}

// Scores of a block turned into exp(score * scale - shift of its row), zero where the query does not see the key.
[[gnu::always_inline]] inline void exp_row(float* p, int64_t from, int64_t to, int64_t keys, float scale,
                                           float shift) {
  for (int64_t j = from; j < to; ++j) p[j] = exp_fast(p[j] * scale - shift);
  std::fill(p, p + from, 0.0f);
  std::fill(p + to, p + keys, 0.0f);
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
    small_gemm({q + begin * s.query_stride, s.query_stride, 1}, b.kt.data(), b.stride, b.rows, b.stride,
               s.head_dim, false, b.p.data(), b.stride);
    for (int64_t i = 0; i < b.rows; ++i) {
      float* p = b.p.data() + i * b.stride;
      const int64_t from = b.begin_of(s, i);
      const int64_t to = b.end_of(s, i);
      const float m = max_of(p + from, to - from) * scale;
      exp_row(p, from, to, b.stride, scale, m);
      const float sum = sum_of(p + from, to - from);
      logsum[begin + i] = m + std::log(sum);
      const float inverse = 1.0f / sum;
      for (int64_t j = from; j < to; ++j) p[j] *= inverse;
    }
    small_gemm({b.p.data(), b.stride, 1}, v + b.low * s.key_stride, s.key_stride, b.rows, s.head_dim, b.keys,
               false, o + begin * s.out_stride, s.out_stride);
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
    const float* qb = q + begin * s.query_stride;
    const float* gb = dout + begin * s.out_stride;
    const float* kb = k + b.low * s.key_stride;
    transpose(kb, s.key_stride, b.keys, s.head_dim, b.kt.data(), b.stride);
    vt.assign(b.kt.size(), 0);
    transpose(v + b.low * s.key_stride, s.key_stride, b.keys, s.head_dim, vt.data(), b.stride);
    ds.resize(b.p.size());
    small_gemm({qb, s.query_stride, 1}, b.kt.data(), b.stride, b.rows, b.stride, s.head_dim, false,
               b.p.data(), b.stride);
    small_gemm({gb, s.out_stride, 1}, vt.data(), b.stride, b.rows, b.stride, s.head_dim, false, ds.data(),
               b.stride);
    for (int64_t i = 0; i < b.rows; ++i) {
      float* p = b.p.data() + i * b.stride;
      float* d = ds.data() + i * b.stride;
      exp_row(p, b.begin_of(s, i), b.end_of(s, i), b.stride, scale, logsum[begin + i]);
      const float total = dot(gb + i * s.out_stride, o + (begin + i) * s.out_stride, s.head_dim);
      for (int64_t j = 0; j < b.stride; ++j) d[j] = p[j] * (d[j] - total) * scale;
    }
    small_gemm({ds.data(), b.stride, 1}, kb, s.key_stride, b.rows, s.head_dim, b.keys, false,
               dq + begin * s.query_stride, s.query_stride);
    small_gemm({ds.data(), 1, b.stride}, qb, s.query_stride, b.keys, s.head_dim, b.rows, true,
               dk + b.low * s.key_stride, s.key_stride);
    small_gemm({b.p.data(), 1, b.stride}, gb, s.out_stride, b.keys, s.head_dim, b.rows, true,
               dv + b.low * s.key_stride, s.key_stride);
  }
}

}  // namespace netflowgen::learn
