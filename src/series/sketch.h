// The mathematics of the sketches, on plain arrays: hashes, HyperLogLog, entropy. Pure functions.
//
// All of it is a function of the multiset of what was added, not of the order: that is why merging two
// sketches equals adding everything to one (state_test.cc). Errors are documented in docs/features.md.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/ip.h"

namespace netflowgen::series {

inline constexpr unsigned kBins = 64;  // of hashed histograms

// a * b folded to 64 bits (the mixing step of wyhash, public domain).
inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// The 32-bit hashes that sketches are made of. Fixed for ever: partial frames of two collectors merge.
inline uint32_t hash_address(const base::IpAddr& a) {
  uint64_t w[2];
  std::memcpy(w, a.bytes.data(), 16);
  const uint64_t h = fold_multiply(w[0] ^ 0xa0761d6478bd642fu, w[1] ^ 0xe7037ed1a0b428dbu);
  return static_cast<uint32_t>(fold_multiply(h ^ 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u));
}
inline uint32_t hash_port(uint16_t port) {  // the finaliser of MurmurHash3: a bijection on 32 bits
  uint32_t h = port + 1u;
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

inline unsigned bin_of(uint32_t hash) { return (hash * 0x9e3779b1u) >> 26; }

// HyperLogLog over 32-bit hashes, 2^P registers of a byte (Flajolet et al. 2007).
template <unsigned P>
inline uint8_t hll_rank(uint32_t hash) {
  const uint32_t rest = hash >> P;
  return static_cast<uint8_t>(rest == 0 ? 32 - P + 1 : static_cast<unsigned>(std::countr_zero(rest)) + 1);
}
template <unsigned P>
inline void hll_add(uint8_t* registers, uint32_t hash) {
  uint8_t& r = registers[hash & ((1u << P) - 1)];
  const uint8_t rank = hll_rank<P>(hash);
  if (rank > r) r = rank;
}

// Estimate by Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog sketches",
// 2017, algorithm 6): no bias tables, one formula from empty to saturated. Relative standard error 1.04 /
// sqrt(2^P).
double hll_estimate(std::span<const uint8_t> registers);

// Shannon entropy of the counts over ln(kBins), in [0, 1]; 0 when there are none. Sums in the order given.
double entropy(std::span<const uint32_t> counts);

inline void saturating_add(uint64_t& sum, uint64_t v) {
  if (__builtin_add_overflow(sum, v, &sum)) [[unlikely]]
    sum = UINT64_MAX;
}
inline void saturating_add(uint32_t& sum, uint32_t v) {
  if (__builtin_add_overflow(sum, v, &sum)) [[unlikely]]
    sum = UINT32_MAX;
}
inline uint64_t saturating_multiply(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

}  // namespace netflowgen::series
