// A hash that finds damage and tells models apart; not one that withstands forgery.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/random.h"

namespace netflowgen::infer {

// Of bytes, eight at a time over four lanes: quick enough for gigabytes of weights or state.
inline uint64_t hash_bytes(std::span<const uint8_t> bytes, uint64_t seed) {
  uint64_t lanes[4] = {seed, seed ^ 0x9e3779b97f4a7c15u, seed + 0xbf58476d1ce4e5b9u, ~seed};
  const auto fold = [](uint64_t lane, uint64_t word) {
    const auto product = static_cast<unsigned __int128>(lane ^ word) * 0xd6e8feb86659fd93u;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  size_t i = 0;
  for (; i + 32 <= bytes.size(); i += 32) {
    uint64_t words[4];
    std::memcpy(words, bytes.data() + i, 32);
    for (size_t k = 0; k < 4; ++k) lanes[k] = fold(lanes[k] + k + 1, words[k]);
  }
  uint64_t hash = base::mix64(bytes.size());
  for (; i < bytes.size(); ++i) hash = base::mix64(hash ^ bytes[i]);
  for (const uint64_t lane : lanes) hash = base::mix64(hash ^ lane);
  return hash;
}

}  // namespace netflowgen::infer
