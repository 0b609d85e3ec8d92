// Writing to and attending over a node's ring of keys and values; a part of kernels_impl.h, over the same V.
//
// Keys lie [dimension, slot], so that the scores of a vector of slots need no sum across lanes; values lie
// [slot, dimension]. Slots are visited in ring order, not in time order: the softmax does not care.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace netflowgen::infer {
namespace {

using simd::exp_of;
using simd::kLanes;
using simd::load_part;
using simd::silu_of;
using simd::store_part;
using simd::V;
using simd::W;

uint16_t to_bf16(float x) {  // to nearest, ties to even; x is finite
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float from_bf16(uint16_t x) {
  const uint32_t bits = uint32_t{x} << 16;
  float y;
  memcpy(&y, &bits, sizeof y);
  return y;
}

// The smallest bf16 that is at least x / 127, so that no quotient passes 127. x >= 0 and finite.
uint16_t int8_scale(float x) {
  const float scale = x / 127.0f;
  const uint16_t near = to_bf16(scale);
  return from_bf16(near) < scale ? static_cast<uint16_t>(near + 1) : near;
}

// To nearest: what is left of x in the low bits once the sum's exponent is 23. |x| <= 127.
int8_t round_to_int8(float x) {
  const float shifted = x + 12582912.0f;  // 1.5 * 2^23
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return static_cast<int8_t>(bits);
}

template <typename T>
inline T convert(float x, float inverse) {
  if constexpr (sizeof(T) == 4) {
    return x;
  } else if constexpr (sizeof(T) == 2) {
    return to_bf16(x);
  } else {
    return round_to_int8(x * inverse);
  }
}

inline float largest_of(const float* x, size_t d) {
  V largest = V::zero();
  for (size_t i = 0; i < d; i += kLanes) {
    const V v = load_part(x + i, d - i, 0);
    largest = V::max(largest, V::max(v, V::zero() - v));
  }
  return V::max_of(largest);
}

// Writes a head's vector: a column of the keys (stride padded window) or a row of the values (stride 1).
template <typename T>
inline void write_one(T* to, size_t stride, const float* from, size_t d, uint16_t* scale) {
  float inverse = 1;
  if constexpr (sizeof(T) == 1) {
    *scale = int8_scale(largest_of(from, d));
    const float s = from_bf16(*scale);
    inverse = s > 0 ? 1.0f / s : 0.0f;
  }
  if (stride == 1) {
    for (size_t i = 0; i < d; ++i) to[i] = convert<T>(from[i], inverse);
    return;
  }
  constexpr size_t kPart = 32;  // converted as vectors, then scattered
  T part[kPart];
  size_t i = 0;
  for (; i + kPart <= d; i += kPart) {
    for (size_t j = 0; j < kPart; ++j) part[j] = convert<T>(from[i + j], inverse);
    for (size_t j = 0; j < kPart; ++j) to[(i + j) * stride] = part[j];
  }
  for (; i < d; ++i) to[i * stride] = convert<T>(from[i], inverse);
}

template <typename T>
void write_as(const Ring& r, size_t slot, const float* key, const float* value) {
  const size_t window = padded(r.window);
  const size_t dim = padded(r.head_dim);
  for (size_t g = 0; g < r.kv_heads; ++g) {
    T* const keys = static_cast<T*>(r.keys) + g * r.head_dim * window + slot;
    T* const values = static_cast<T*>(r.values) + (g * r.window + slot) * dim;
    const bool scaled = sizeof(T) == 1;  // else there are no scales to point at
    const size_t at = g * window + slot;
    write_one(keys, window, key + g * r.head_dim, r.head_dim, scaled ? r.key_scale + at : nullptr);
    write_one(values, 1, value + g * r.head_dim, r.head_dim, scaled ? r.value_scale + at : nullptr);
  }
}

void write(const Ring& r, size_t slot, const float* key, const float* value) {
  switch (r.precision) {
    case Precision::kFloat32:
      return write_as<float>(r, slot, key, value);
    case Precision::kBFloat16:
      return write_as<uint16_t>(r, slot, key, value);
    case Precision::kInt8:
      return write_as<int8_t>(r, slot, key, value);
  }
}

// Asks for the lines that lie `ahead` bytes from n elements: the same part of the ring of whom it is the turn next.
// Rings are larger than the caches; so the memory works while the sums are made (bench/infer.cc, roofline).
template <typename T>
inline void ask(const T* from, size_t n, ptrdiff_t ahead) {
  if constexpr (kLanes > 1) {
    const auto at = reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(ahead);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): past the array's end there is nothing that a pointer may point to
    for (size_t b = 0; b < n * sizeof(T); b += 64) __builtin_prefetch(reinterpret_cast<const void*>(at + b));
  }
}

// scores[h, slot] = q_h . key_slot for kHeads heads of one kv head and kVectors vectors of slots.
template <size_t kHeads, size_t kVectors, typename T>
inline void score_slots(const T* keys, ptrdiff_t ahead, size_t window, size_t d, const float* q,
                        float* scores) {
  V sum[kHeads][kVectors];
  for (auto& row : sum) {
    for (auto& s : row) s = V::zero();
  }
  for (size_t i = 0; i < d; ++i) {
    ask(keys + i * window, kVectors * kLanes, ahead);
    V k[kVectors];
#pragma GCC unroll 8
    for (size_t j = 0; j < kVectors; ++j) k[j] = V::load(keys + i * window + j * kLanes);
#pragma GCC unroll 4
    for (size_t h = 0; h < kHeads; ++h) {
      const V qi = V::set(q[h * d + i]);
#pragma GCC unroll 8
      for (size_t j = 0; j < kVectors; ++j) sum[h][j] = V::fma(qi, k[j], sum[h][j]);
    }
  }
  for (size_t h = 0; h < kHeads; ++h) {
    for (size_t j = 0; j < kVectors; ++j) sum[h][j].store(scores + h * window + j * kLanes);
  }
}

// Vectors of slots at a time: as many as leave registers for their sums over two heads.
constexpr size_t kWide = kLanes >= 16 ? 8 : 4;

template <size_t kHeads, typename T>
inline void score_all(const T* keys, ptrdiff_t ahead, size_t window, size_t count, size_t d, const float* q,
                      float* scores) {
  size_t j = 0;
  for (; j + kWide * kLanes <= window && j < count; j += kWide * kLanes) {
    score_slots<kHeads, kWide>(keys + j, ahead, window, d, q, scores + j);
  }
  for (; j < count; j += kLanes) score_slots<kHeads, 1>(keys + j, ahead, window, d, q, scores + j);
}

// Scores to weights times value scales, in place; slots past count get 0. Returns the sum of the weights.
inline float softmax(float* scores, size_t count, size_t window, float factor, const uint16_t* key_scale,
                     const uint16_t* value_scale) {
  V largest = V::set(-3e38f);
  for (size_t j = 0; j < count; j += kLanes) {
    V s = V::load(scores + j) * V::set(factor);
    if (key_scale != nullptr) s = s * V::load(key_scale + j);
    s.store(scores + j);
    if (j + kLanes > count) s = load_part(scores + j, count - j, -3e38f);
    largest = V::max(largest, s);
  }
  const V top = V::set(V::max_of(largest));
  V sum = V::zero();
  for (size_t j = 0; j < window; j += kLanes) {
    V p = V::zero();
    if (j < count) {
      p = exp_of(V::load(scores + j) - top);
      if (j + kLanes > count) {
        p.store(scores + j);
        p = load_part(scores + j, count - j, 0);
      }
    }
    sum = sum + p;
    if (value_scale != nullptr && j < count) p = p * V::load(value_scale + j);
    p.store(scores + j);
  }
  return V::sum(sum);
}

// out_h = sum over slots of weight_slot value_slot, for kHeads heads and kVectors vectors of dimensions.
template <size_t kHeads, size_t kVectors, typename T>
inline void mix_values(const T* values, ptrdiff_t ahead, size_t dim, size_t count, const float* weights,
                       size_t window, const float* inverse, float* out, size_t d, size_t from) {
  V even[kHeads][kVectors];
  V odd[kHeads][kVectors];
  for (size_t h = 0; h < kHeads; ++h) {
    for (size_t v = 0; v < kVectors; ++v) even[h][v] = odd[h][v] = V::zero();
  }
  const auto add = [&](size_t j, V(&sum)[kHeads][kVectors]) {
    ask(values + j * dim, kVectors * kLanes, ahead);
    V value[kVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) value[v] = V::load(values + j * dim + v * kLanes);
#pragma GCC unroll 4
    for (size_t h = 0; h < kHeads; ++h) {
      const V w = V::set(weights[h * window + j]);
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) sum[h][v] = V::fma(w, value[v], sum[h][v]);
    }
  };
  size_t j = 0;
  for (; j + 2 <= count; j += 2) {
    add(j, even);
    add(j + 1, odd);
  }
  if (j < count) add(j, even);
  for (size_t h = 0; h < kHeads; ++h) {
    for (size_t v = 0; v < kVectors; ++v) {
      const size_t at = from + v * kLanes;
      if (at >= d) break;
      store_part((even[h][v] + odd[h][v]) * V::set(inverse[h]), out + h * d + at, d - at);
    }
  }
}

template <size_t kHeads, typename T>
void attend_group(const Ring& r, ptrdiff_t ahead, size_t g, size_t first_head, size_t count, const float* q,
                  float* out, float* scratch) {
  const size_t window = padded(r.window);
  const size_t dim = padded(r.head_dim);
  const T* const keys = static_cast<const T*>(r.keys) + g * r.head_dim * window;
  const T* const values = static_cast<const T*>(r.values) + g * r.window * dim;
  const bool scaled = r.precision == Precision::kInt8;
  q += first_head * r.head_dim;
  out += first_head * r.head_dim;
  score_all<kHeads>(keys, ahead, window, count, r.head_dim, q, scratch);
  const float factor = 1.0f / sqrtf(static_cast<float>(r.head_dim));
  float inverse[kHeads];
  for (size_t h = 0; h < kHeads; ++h) {
    inverse[h] = 1.0f / softmax(scratch + h * window, count, window, factor,
                                scaled ? r.key_scale + g * window : nullptr,
                                scaled ? r.value_scale + g * window : nullptr);
  }
  size_t i = 0;
  for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
    mix_values<kHeads, 2>(values + i, ahead, dim, count, scratch, window, inverse, out, r.head_dim, i);
  }
  for (; i < dim; i += kLanes) {
    mix_values<kHeads, 1>(values + i, ahead, dim, count, scratch, window, inverse, out, r.head_dim, i);
  }
}

template <typename T>
void attend_as(const Ring& r, ptrdiff_t ahead, size_t count, const float* q, float* out, float* scratch) {
  const size_t group = r.heads / r.kv_heads;
  for (size_t g = 0; g < r.kv_heads; ++g) {
    size_t h = 0;
    for (; h + 2 <= group; h += 2) attend_group<2, T>(r, ahead, g, g * group + h, count, q, out, scratch);
    if (h < group) attend_group<1, T>(r, ahead, g, g * group + h, count, q, out, scratch);
  }
}

void attend(const Ring& r, ptrdiff_t ahead, size_t count, const float* q, float* out, float* scratch) {
  switch (r.precision) {
    case Precision::kFloat32:
      return attend_as<float>(r, ahead, count, q, out, scratch);
    case Precision::kBFloat16:
      return attend_as<uint16_t>(r, ahead, count, q, out, scratch);
    case Precision::kInt8:
      return attend_as<int8_t>(r, ahead, count, q, out, scratch);
  }
}

}  // namespace
}  // namespace netflowgen::infer
