// Four floats at a time by GCC's vector types: what every processor has that the program is built for (SSE2 on x86-64).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace netflowgen::simd {
namespace {

struct V {
  static constexpr int kLanes = 4;
  using Floats = float __attribute__((vector_size(16)));
  using Integers = int32_t __attribute__((vector_size(16)));
  using Loose = float __attribute__((vector_size(16), aligned(4)));  // in memory: any alignment
  Floats v;

  static V zero() { return {Floats{}}; }
  static V set(float x) { return {Floats{x, x, x, x}}; }
  static V load(const float* p) { return {*reinterpret_cast<const Loose*>(p)}; }
  // The first n < kLanes floats; the rest is `fill`, or is not written.
  static V load_part(const float* p, size_t n, float fill) {
    V x = set(fill);
    for (size_t i = 0; i < n; ++i) x.v[i] = p[i];
    return x;
  }
  void store_part(float* p, size_t n) const {
    for (size_t i = 0; i < n; ++i) p[i] = v[i];
  }
  void store(float* p) const { *reinterpret_cast<Loose*>(p) = v; }
  friend V operator+(V a, V b) { return {a.v + b.v}; }
  friend V operator-(V a, V b) { return {a.v - b.v}; }
  friend V operator*(V a, V b) { return {a.v * b.v}; }
  friend V operator/(V a, V b) { return {a.v / b.v}; }
  static V fma(V a, V b, V c) { return {a.v * b.v + c.v}; }
  static V max(V a, V b) { return {a.v > b.v ? a.v : b.v}; }
  static V min(V a, V b) { return {a.v < b.v ? a.v : b.v}; }
  // To nearest: what is left of x in the low bits once the sum's exponent is 23. |x| < 2^22.
  static V round(V a) { return a + set(12582912.0f) - set(12582912.0f); }
  // x 2^n for an integer n in [-126, 127].
  static V scale2(V x, V n) {
    const Integers bits = (__builtin_convertvector(n.v, Integers) + 127) << 23;
    return {x.v * std::bit_cast<Floats>(bits)};
  }
  static float sum(V a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
  static float max_of(V a) {
    const float x = a.v[0] > a.v[2] ? a.v[0] : a.v[2];
    const float y = a.v[1] > a.v[3] ? a.v[1] : a.v[3];
    return x > y ? x : y;
  }
};

}  // namespace
}  // namespace netflowgen::simd
