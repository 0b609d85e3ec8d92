// One float at a time: the twin of the vector types. See simd_avx2.h and simd_avx512.h.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace netflowgen::infer {
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
  // x 2^n for a whole n in [-126, 127].
  static V scale2(V x, V n) {
    const uint32_t bits = static_cast<uint32_t>(static_cast<int>(n.v) + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return {x.v * power};
  }
  static float sum(V a) { return a.v; }
  static float max_of(V a) { return a.v; }
};

}  // namespace
}  // namespace netflowgen::infer
