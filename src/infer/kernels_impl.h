// The kernels over the vector type V of the file that includes this one; NFG_TILE_ROWS says how many nodes a
// tile has. Everything is in an unnamed namespace: no code of one instruction set may be linked into another.
// Standard library templates stay out for the same reason.
//
// The matrix product keeps a tile of NFG_TILE_ROWS nodes x 2 vectors of outputs in registers and walks the
// inner dimension once, in order (bench/infer.cc shows its share of the SGEMM roofline).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "infer/vector_math.h"
// After V and vector_math.h.
#include "infer/attention_impl.h"

namespace netflowgen::infer {
namespace {

constexpr size_t kPanel = 2 * kLanes;
constexpr size_t kTileRows = NFG_TILE_ROWS;

// What becomes of a tile's sums.
struct Store {
  float* y;
  size_t ldy;
  bool accumulate;

  // `rows` outputs from `row` on, of node i.
  void operator()(size_t i, size_t row, size_t rows, V a, V b) const {
    float* const out = y + i * ldy + row;
    const size_t tail = rows > kLanes ? rows - kLanes : 0;
    if (accumulate) {
      a = a + load_part(out, rows, 0);
      if (tail > 0) b = b + load_part(out + kLanes, tail, 0);
    }
    store_part(a, out, rows);
    if (tail > 0) store_part(b, out + kLanes, tail);
  }
};

struct Swiglu {
  float* y;
  size_t ldy;

  void operator()(size_t i, size_t row, size_t rows, V gate, V up) const {
    store_part(silu_of(gate) * up, y + i * ldy + row / 2, rows / 2);
  }
};

// One panel times M nodes.
template <size_t M, typename T, typename Out>
inline void multiply_tile(const T* panel, size_t cols, const float* x, size_t ldx, const float* scale,
                          const float* bias, size_t row, size_t rows, size_t node, const Out& out) {
  V a[M];
  V b[M];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) a[i] = b[i] = V::zero();
  for (size_t k = 0; k < cols; ++k) {
    const V wa = V::load(panel + k * kPanel);
    const V wb = V::load(panel + k * kPanel + kLanes);
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      const V xi = V::set(x[i * ldx + k]);
      a[i] = V::fma(xi, wa, a[i]);
      b[i] = V::fma(xi, wb, b[i]);
    }
  }
  const V sa = V::load(scale);
  const V sb = V::load(scale + kLanes);
  const V ba = V::load(bias);
  const V bb = V::load(bias + kLanes);
  if (rows == kPanel) {  // a constant, so that the sums stay in registers
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      out(node + i, row, kPanel, V::fma(a[i], sa, ba), V::fma(b[i], sb, bb));
    }
    return;
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) {
    out(node + i, row, rows, V::fma(a[i], sa, ba), V::fma(b[i], sb, bb));
  }
}

// The last 1 .. M nodes of a batch.
template <size_t M, typename T, typename Out>
inline void multiply_rest(size_t n, const T* panel, size_t cols, const float* x, size_t ldx,
                          const float* scale, const float* bias, size_t row, size_t rows, size_t node,
                          const Out& out) {
  if (n == M) {
    multiply_tile<M>(panel, cols, x, ldx, scale, bias, row, rows, node, out);
  } else if constexpr (M > 1) {
    multiply_rest<M - 1>(n, panel, cols, x, ldx, scale, bias, row, rows, node, out);
  }
}

template <typename T, typename Out>
void multiply_panels(const Matrix& w, const float* x, size_t ldx, size_t n, const Out& out) {
  const T* panel = static_cast<const T*>(w.data);
  for (size_t row = 0; row < w.rows; row += kPanel, panel += w.cols * kPanel) {
    const size_t rows = w.rows - row < kPanel ? w.rows - row : kPanel;
    // Weights are larger than the second-level cache: the next panel is asked for in parts, a part a tile.
    const size_t part = (w.cols * kPanel * kTileRows + n - 1) / n;
    size_t i = 0;
    for (; i + kTileRows <= n; i += kTileRows) {
      ask(panel + i / kTileRows * part, part, static_cast<ptrdiff_t>(w.cols * kPanel * sizeof(T)));
      multiply_tile<kTileRows>(panel, w.cols, x + i * ldx, ldx, w.scale + row, w.bias + row, row, rows, i,
                               out);
    }
    if (i < n) {
      multiply_rest<kTileRows - 1>(n - i, panel, w.cols, x + i * ldx, ldx, w.scale + row, w.bias + row, row,
                                   rows, i, out);
    }
  }
}

template <typename Out>
void multiply_as(const Matrix& w, const float* x, size_t ldx, size_t n, const Out& out) {
  switch (w.precision) {
    case Precision::kFloat32:
      return multiply_panels<float>(w, x, ldx, n, out);
    case Precision::kBFloat16:
      return multiply_panels<uint16_t>(w, x, ldx, n, out);
    case Precision::kInt8:
      return multiply_panels<int8_t>(w, x, ldx, n, out);
  }
}

void multiply(const Matrix& w, const float* x, size_t ldx, size_t n, float* y, size_t ldy, bool accumulate) {
  multiply_as(w, x, ldx, n, Store{y, ldy, accumulate});
}

void multiply_swiglu(const Matrix& w, const float* x, size_t ldx, size_t n, float* y, size_t ldy) {
  multiply_as(w, x, ldx, n, Swiglu{y, ldy});
}

void rms_norm(const float* x, const float* w, size_t d, float eps, float* y) {
  V sum = V::zero();
  for (size_t i = 0; i < d; i += kLanes) {
    const V v = load_part(x + i, d - i, 0);
    sum = V::fma(v, v, sum);
  }
  const V inverse = V::set(1.0f / sqrtf(V::sum(sum) / static_cast<float>(d) + eps));
  for (size_t i = 0; i < d; i += kLanes) {
    store_part(load_part(x + i, d - i, 0) * inverse * load_part(w + i, d - i, 0), y + i, d - i);
  }
}

void rotate(float* x, size_t count, size_t head_dim, const float* cosine, const float* sine) {
  const size_t half = head_dim / 2;
  for (size_t h = 0; h < count; ++h, x += head_dim) {
    for (size_t i = 0; i < half; i += kLanes) {
      const size_t n = half - i;
      const V a = load_part(x + i, n, 0);
      const V b = load_part(x + half + i, n, 0);
      const V c = load_part(cosine + i, n, 0);
      const V s = load_part(sine + i, n, 0);
      store_part(a * c - b * s, x + i, n);
      store_part(a * s + b * c, x + half + i, n);
    }
  }
}

void embed(const float* table, const uint32_t* ids, size_t count, size_t d, float* y) {
  constexpr size_t kStrip = 8 * kLanes;
  size_t i = 0;
  for (; i + kStrip <= d; i += kStrip) {
    V sum[8];
    for (auto& s : sum) s = V::zero();
    for (size_t k = 0; k < count; ++k) {
      const float* const row = table + size_t{ids[k]} * d + i;
#pragma GCC unroll 8
      for (size_t j = 0; j < 8; ++j) sum[j] = sum[j] + V::load(row + j * kLanes);
    }
    for (size_t j = 0; j < 8; ++j) sum[j].store(y + i + j * kLanes);
  }
  for (; i < d; i += kLanes) {
    V sum = V::zero();
    for (size_t k = 0; k < count; ++k) sum = sum + load_part(table + size_t{ids[k]} * d + i, d - i, 0);
    store_part(sum, y + i, d - i);
  }
}

float log_sum_exp(const float* x, size_t n) {
  V largest = V::set(-3e38f);
  for (size_t i = 0; i < n; i += kLanes) largest = V::max(largest, load_part(x + i, n - i, -3e38f));
  const float top = V::max_of(largest);
  V sum = V::zero();
  for (size_t i = 0; i < n; i += kLanes) {
    // What is past n adds exp(-87), which the sum, at least 1, does not feel.
    sum = sum + exp_of(load_part(x + i, n - i, -3e38f) - V::set(top));
  }
  return top + logf(V::sum(sum));
}

void silu(float* x, size_t n) {
  for (size_t i = 0; i < n; i += kLanes) store_part(silu_of(load_part(x + i, n - i, 0)), x + i, n - i);
}

constexpr Kernels make_kernels(Isa isa) {
  return {isa,   kPanel, kLanes, multiply, multiply_swiglu, rms_norm,
          embed, rotate, write,  attend,   log_sum_exp,     silu};
}

}  // namespace
}  // namespace netflowgen::infer
