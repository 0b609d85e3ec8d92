// Small functions over the vector type V of the header that was included before this one: scalar.h, portable.h, avx2.h or
// avx512.h. Everything in this module is in unnamed namespaces: a file is compiled for one instruction set, and no code of it
// may be linked into another.
#pragma once

#include <cstddef>

namespace netflowgen::simd {
namespace {

constexpr size_t kLanes = V::kLanes;
// exp with a relative error of about 1e-7 (Cephes' expf: reduction by ln 2 in two parts, degree 5). Below
// -87 it is exp(-87), above 88 exp(88). NaN stays NaN: of one, min and max give the second.
inline V exp_of(V x) {
  x = V::min(V::set(88.0f), V::max(V::set(-87.0f), x));
  const V n = V::round(x * V::set(1.44269504f));
  V r = V::fma(n, V::set(-0.693359375f), x);
  r = V::fma(n, V::set(2.12194440e-4f), r);
  V p = V::set(1.9875691500e-4f);
  p = V::fma(p, r, V::set(1.3981999507e-3f));
  p = V::fma(p, r, V::set(8.3334519073e-3f));
  p = V::fma(p, r, V::set(4.1665795894e-2f));
  p = V::fma(p, r, V::set(1.6666665459e-1f));
  p = V::fma(p, r, V::set(5.0000001201e-1f));
  return V::scale2(V::fma(p, r * r, r + V::set(1.0f)), n);
}

inline V silu_of(V x) { return x / (V::set(1.0f) + exp_of(V::zero() - x)); }

// The first n floats, up to kLanes; the rest is `fill`.
inline V load_part(const float* p, size_t n, float fill) {
  return n >= kLanes ? V::load(p) : V::load_part(p, n, fill);
}

inline void store_part(V v, float* p, size_t n) {
  if (n >= kLanes) return v.store(p);
  v.store_part(p, n);
}

}  // namespace
}  // namespace netflowgen::simd
