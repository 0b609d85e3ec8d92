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

#include "simd/math.h"
// After V and simd/math.h.
#include "infer/kernels/attention_impl.h"

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

// One panel's scale and bias, and where its outputs go.
struct Panel {
  const float* scale;
  const float* bias;
  size_t row;   // the first
  size_t rows;  // of kPanel
};

// What becomes of the sums of M nodes from `node` on; unit[i], where given, is what node i's inputs count in.
template <size_t M, typename Out>
inline void put_tile(V (&a)[M], V (&b)[M], const Panel& p, size_t node, const float* unit, const Out& out) {
  const V sa = V::load(p.scale);
  const V sb = V::load(p.scale + kLanes);
  const V ba = V::load(p.bias);
  const V bb = V::load(p.bias + kLanes);
  if (unit != nullptr) {
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      a[i] = a[i] * V::set(unit[i]);
      b[i] = b[i] * V::set(unit[i]);
    }
  }
  if (p.rows == kPanel) {  // a constant, so that the sums stay in registers
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      out(node + i, p.row, kPanel, V::fma(a[i], sa, ba), V::fma(b[i], sb, bb));
    }
    return;
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) {
    out(node + i, p.row, p.rows, V::fma(a[i], sa, ba), V::fma(b[i], sb, bb));
  }
}

// The inputs of the nodes of a tile: rows of floats.
struct Floats {
  const float* x;
  size_t ldx;
  Floats from(size_t node) const { return {x + node * ldx, ldx}; }
};

// One panel times M nodes.
template <size_t M, typename T, typename Out>
inline void multiply_tile(const T* panel, size_t cols, const Floats& in, const Panel& p, size_t node,
                          const Out& out) {
  const float* const x = in.x;
  const size_t ldx = in.ldx;
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
  put_tile(a, b, p, node, nullptr, out);
}

// ... and of integers.
struct Integers {
  const int16_t* x;
  const float* unit;
  size_t ldx;
  Integers from(size_t node) const { return {x + node * ldx, unit + node, ldx}; }
};

// The same in integers, two columns at a time.
template <size_t M, typename Out>
inline void multiply_tile(const int8_t* panel, size_t cols, const Integers& in, const Panel& p, size_t node,
                          const Out& out) {
  W a[M];
  W b[M];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) a[i] = b[i] = W::zero();
  for (size_t k = 0; k < cols; k += 2) {
    const W wa = W::load(panel + k * kPanel);
    const W wb = W::load(panel + k * kPanel + 2 * kLanes);
#pragma GCC unroll 16
    for (size_t i = 0; i < M; ++i) {
      const W xi = W::set(in.x + i * in.ldx + k);
      a[i] = W::add_products(xi, wa, a[i]);
      b[i] = W::add_products(xi, wb, b[i]);
    }
  }
  V fa[M];
  V fb[M];
#pragma GCC unroll 16
  for (size_t i = 0; i < M; ++i) {
    fa[i] = a[i].value();
    fb[i] = b[i].value();
  }
  put_tile(fa, fb, p, node, in.unit, out);
}

// The last 1 .. M nodes of a batch.
template <size_t M, typename T, typename In, typename Out>
inline void multiply_rest(size_t n, const T* panel, size_t cols, const In& in, const Panel& p, size_t node,
                          const Out& out) {
  if (n == M) {
    multiply_tile<M>(panel, cols, in, p, node, out);
  } else if constexpr (M > 1) {
    multiply_rest<M - 1>(n, panel, cols, in, p, node, out);
  }
}

// `cols` as stored: int8 has whole pairs.
template <typename T, typename In, typename Out>
void multiply_panels(const Matrix& w, size_t cols, const In& in, size_t n, const Out& out) {
  const T* panel = static_cast<const T*>(w.data);
  for (size_t row = 0; row < w.rows; row += kPanel, panel += cols * kPanel) {
    const Panel p = {w.scale + row, w.bias + row, row, w.rows - row < kPanel ? w.rows - row : kPanel};
    // Weights are larger than the second-level cache: the next panel is asked for in parts, a part a tile.
    const size_t part = (cols * kPanel * kTileRows + n - 1) / n;
    size_t i = 0;
    for (; i + kTileRows <= n; i += kTileRows) {
      ask(panel + i / kTileRows * part, part, static_cast<ptrdiff_t>(cols * kPanel * sizeof(T)));
      multiply_tile<kTileRows>(panel, cols, in.from(i), p, i, out);
    }
    if (i < n) multiply_rest<kTileRows - 1>(n - i, panel, cols, in.from(i), p, i, out);
  }
}

// x [cols] in units of the largest one by rounded_limit; padded with zeros. Returns the unit.
inline float round_row(const float* x, size_t cols, int16_t* to) {
  const float largest = largest_of(x, cols);
  const auto limit = static_cast<float>(rounded_limit(cols));
  const V inverse = V::set(largest > 0 ? limit / largest : 0.0f);
  const V top = V::set(limit);
  for (size_t i = 0; i < padded(cols); i += kLanes) {
    const V v = i < cols ? load_part(x + i, cols - i, 0) * inverse : V::zero();
    V::max(V::min(v, top), V::zero() - top).store_int16(to + i);
  }
  return largest / limit;
}

template <typename Out>
void multiply_rounded(const Matrix& w, const float* x, size_t ldx, size_t n, const Rounded& r,
                      const Out& out) {
  const size_t width = padded(w.cols);
  for (size_t i = 0; i < n; ++i) r.unit[i] = round_row(x + i * ldx, w.cols, r.x + i * width);
  multiply_panels<int8_t>(w, (w.cols + 1) / 2 * 2, Integers{r.x, r.unit, width}, n, out);
}

template <typename Out>
void multiply_as(const Matrix& w, const float* x, size_t ldx, size_t n, const Rounded& r, const Out& out) {
  switch (w.precision) {
    case Precision::kFloat32:
      return multiply_panels<float>(w, w.cols, Floats{x, ldx}, n, out);
    case Precision::kBFloat16:
      return multiply_panels<uint16_t>(w, w.cols, Floats{x, ldx}, n, out);
    case Precision::kInt8:
      return multiply_rounded(w, x, ldx, n, r, out);
  }
}

void multiply(const Matrix& w, const float* x, size_t ldx, size_t n, float* y, size_t ldy, bool accumulate,
              const Rounded& r) {
  multiply_as(w, x, ldx, n, r, Store{y, ldy, accumulate});
}

void multiply_swiglu(const Matrix& w, const float* x, size_t ldx, size_t n, float* y, size_t ldy,
                     const Rounded& r) {
  multiply_as(w, x, ldx, n, r, Swiglu{y, ldy});
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
