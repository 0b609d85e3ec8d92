// The inner loops, one source (kernels_impl.h) compiled per instruction set; which one runs is decided once,
// when a model is loaded. Scalar is the reference implementation that the others are tested against.
//
// Invariants: 1. Each output depends on its own node's inputs alone, and its sums run in one order, so a
// result is the same bits for any batch, tile or thread. 2. Kernels allocate nothing and keep nothing; every
// pointer is the caller's. 3. Instruction sets agree up to rounding, not to the bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "infer/kernels/precision.h"

namespace netflowgen::infer {

// Cached windows and head dimensions are padded to this many floats, whatever the instruction set.
inline constexpr size_t kPad = 16;
inline constexpr size_t padded(size_t n) { return (n + kPad - 1) / kPad * kPad; }

enum class Isa : uint8_t { kScalar, kAvx2, kAvx512, kAvx512Vnni };
std::string_view name_of(Isa isa);
Isa isa_from(std::string_view name);  // "scalar", "avx2", "avx512", "avx512vnni"; UsageError on another

// A weight matrix [rows, cols] in the order in which a kernel reads it: panels of Kernels::panel rows, each
// [cols, panel], the last one padded with zero rows; int8: [pairs of cols, panel, 2], an odd column padded with
// zeros. y = x W^T * scale + bias.
struct Matrix {
  Precision precision = Precision::kFloat32;
  size_t rows = 0;
  size_t cols = 0;
  const void* data = nullptr;
  const float* scale = nullptr;  // [panels * panel], 1 where the format needs none
  const float* bias = nullptr;   // [panels * panel], 0 where there is none
};

// Keys and values of one node and layer; see arena.h for the layout.
struct Ring {
  Precision precision = Precision::kFloat32;
  size_t heads = 0;
  size_t kv_heads = 0;
  size_t head_dim = 0;
  size_t window = 0;
  void* keys = nullptr;             // [kv_heads, head_dim, padded(window)]
  void* values = nullptr;           // [kv_heads, window, padded(head_dim)]
  uint16_t* key_scale = nullptr;    // [kv_heads, padded(window)] bf16; int8 only
  uint16_t* value_scale = nullptr;  // [kv_heads, padded(window)]
};

// Where multiply rounds its inputs to integers, for int8 weights only: each row in units of its largest number by
// rounded_limit(cols), so that products are sums of integers, exact in 32 bits.
struct Rounded {
  int16_t* x = nullptr;   // [n, padded(cols)]
  float* unit = nullptr;  // [n]
};

inline constexpr int32_t rounded_limit(size_t cols) {
  const auto room = static_cast<int64_t>(INT32_MAX / (127 * (cols + 1)));
  return room < INT16_MAX ? static_cast<int32_t>(room) : INT16_MAX;
}

struct Kernels {
  Isa isa = Isa::kScalar;
  size_t panel = 0;  // rows of a panel
  size_t lanes = 0;  // swiglu matrices alternate this many gate rows and up rows

  // y[i, r] = (x W^T)[i, r] * scale[r] + bias[r]; accumulate: added to y. x [n, cols], y [n, rows].
  void (*multiply)(const Matrix& w, const float* x, size_t ldx, size_t n, float* y, size_t ldy,
                   bool accumulate, const Rounded& rounded);
  // y[i, r] = silu(g) * u of the two halves of x W^T. REQUIRES: w packed with gates. y [n, rows / 2].
  void (*multiply_swiglu)(const Matrix& w, const float* x, size_t ldx, size_t n, float* y, size_t ldy,
                          const Rounded& rounded);
  // y = x / sqrt(mean(x^2) + eps) * w, [d].
  void (*rms_norm)(const float* x, const float* w, size_t d, float eps, float* y);
  // y = sum of the table's rows ids; table [., d].
  void (*embed)(const float* table, const uint32_t* ids, size_t count, size_t d, float* y);
  // Rotates each of `count` heads [head_dim]: (a, b) = (x[i], x[i + head_dim / 2]) -> (a cos - b sin, a sin +
  // b cos); cosine, sine [head_dim / 2].
  void (*rotate)(float* x, size_t count, size_t head_dim, const float* cosine, const float* sine);
  // Writes one position's key and value, [kv_heads, head_dim] each, at `slot` of the ring.
  void (*write)(const Ring& ring, size_t slot, const float* key, const float* value);
  // out = softmax(q . k / sqrt(head_dim)) v over slots [0, count); q, out [heads, head_dim].
  // scratch [heads / kv_heads, padded(window)]. The ring that comes next lies `ahead` bytes from this one.
  void (*attend)(const Ring& ring, ptrdiff_t ahead, size_t count, const float* q, float* out, float* scratch);
  float (*log_sum_exp)(const float* x, size_t n);
  void (*silu)(float* x, size_t n);
};

// The widest instruction set that this machine has.
Isa best_isa();
bool has_isa(Isa isa);  // of this machine and this build
// REQUIRES: has_isa(isa).
const Kernels& kernels_of(Isa isa);

}  // namespace netflowgen::infer
