// Eight floats at a time. Compiled with -mavx2 -mfma only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace netflowgen::simd {
namespace {

struct V {
  static constexpr int kLanes = 8;
  __m256 v;

  static V zero() { return {_mm256_setzero_ps()}; }
  static V set(float x) { return {_mm256_set1_ps(x)}; }
  static V load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static V load(const uint16_t* p) {  // bf16
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16))};
  }
  static V load(const int8_t* p) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  // The first n < kLanes floats; the rest is `fill`, or is not written.
  static __m256i mask(size_t n) {
    alignas(32) static constexpr int32_t kMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMask + 8 - n));
  }
  static V load_part(const float* p, size_t n, float fill) {
    const __m256i m = mask(n);
    return {_mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m))};
  }
  void store_part(float* p, size_t n) const { _mm256_maskstore_ps(p, mask(n), v); }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  friend V operator+(V a, V b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend V operator-(V a, V b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend V operator*(V a, V b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend V operator/(V a, V b) { return {_mm256_div_ps(a.v, b.v)}; }
  static V fma(V a, V b, V c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static V max(V a, V b) { return {_mm256_max_ps(a.v, b.v)}; }
  static V min(V a, V b) { return {_mm256_min_ps(a.v, b.v)}; }
  static V round(V a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  // x 2^n for an integer n in [-126, 127].
  static V scale2(V x, V n) {
    const __m256i bits =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127)), 23);
    return {_mm256_mul_ps(x.v, _mm256_castsi256_ps(bits))};
  }
  static float sum(V a) {
    const __m128 h = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 q = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  static float max_of(V a) {
    const __m128 h = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 q = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  // The nearest integers, ties to even; |x| <= 32767.
  void store_int16(int16_t* p) const {
    const __m256i n = _mm256_cvtps_epi32(v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packs_epi32(_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1)));
  }
};

// A pair of 16-bit numbers a lane, or the 32-bit sums of their products.
struct W {
  __m256i v;

  static W zero() { return {_mm256_setzero_si256()}; }
  static W set(const int16_t* pair) {
    int32_t both;
    __builtin_memcpy(&both, pair, sizeof both);
    return {_mm256_set1_epi32(both)};
  }
  static W load(const int8_t* pairs) {
    return {_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(pairs)))};
  }
  // sum + a0 b0 + a1 b1.
  static W add_products(W a, W b, W sum) {
    // _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)), kept together: of a tile, GCC takes all products first, and then
    // has no registers left for the sums (a third slower).
    __m256i products;
    asm("vpmaddwd %[b], %[a], %[products]\n\tvpaddd %[products], %[sum], %[sum]"
        : [sum] "+x"(sum.v), [products] "=&x"(products)
        : [a] "x"(a.v), [b] "x"(b.v));
    return sum;
  }
  V value() const { return {_mm256_cvtepi32_ps(v)}; }
};

}  // namespace
}  // namespace netflowgen::simd
