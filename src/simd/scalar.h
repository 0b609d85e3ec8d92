// One float at a time: the reference of the vector types. See avx2.h and avx512.h.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace netflowgen::simd {
namespace {

struct V {
  static constexpr int kLanes = 1;
  float v;

  static V zero() { return {0}; }
  static V set(float x) { return {x}; }
  static V load(const float* p) { return {*p}; }
  static V load(const uint16_t* p) {
    const uint32_t bits = static_cast<uint32_t>(*p) << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return {x};
  }
  static V load(const int8_t* p) { return {static_cast<float>(*p)}; }
  // The first n < kLanes floats: none.
  static V load_part(const float*, size_t, float fill) { return {fill}; }
  void store_part(float*, size_t) const {}
  void store(float* p) const { *p = v; }
  friend V operator+(V a, V b) { return {a.v + b.v}; }
  friend V operator-(V a, V b) { return {a.v - b.v}; }
  friend V operator*(V a, V b) { return {a.v * b.v}; }
  friend V operator/(V a, V b) { return {a.v / b.v}; }
  static V fma(V a, V b, V c) { return {a.v * b.v + c.v}; }
  static V max(V a, V b) { return {a.v > b.v ? a.v : b.v}; }
  static V min(V a, V b) { return {a.v < b.v ? a.v : b.v}; }
  static V round(V a) { return {std::nearbyintf(a.v)}; }
  // x 2^n for an integer n in [-126, 127].
  static V scale2(V x, V n) {
    const int power_of_two = std::isnan(n.v) ? 0 : static_cast<int>(n.v);
    const uint32_t bits = static_cast<uint32_t>(power_of_two + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return {x.v * power};
  }
  static float sum(V a) { return a.v; }
  static float max_of(V a) { return a.v; }
  // The nearest integer, ties to even; |x| <= 32767.
  void store_int16(int16_t* p) const { *p = static_cast<int16_t>(std::nearbyintf(v)); }
};

// A pair of 16-bit numbers, or the 32-bit sum of their products.
struct W {
  int16_t first, second;
  int32_t sum;

  static W zero() { return {0, 0, 0}; }
  static W set(const int16_t* pair) { return {pair[0], pair[1], 0}; }
  static W load(const int8_t* pairs) { return {pairs[0], pairs[1], 0}; }
  // sum + a0 b0 + a1 b1.
  static W add_products(W a, W b, W sum) { return {0, 0, sum.sum + a.first * b.first + a.second * b.second}; }
  V value() const { return {static_cast<float>(sum)}; }
};

}  // namespace
}  // namespace netflowgen::simd
