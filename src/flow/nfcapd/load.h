// Integers of an nfcapd record, in the byte order of the machine that wrote it. For little-endian hosts.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/ip.h"

namespace netflowgen::flow::nfcapd {

static_assert(std::endian::native == std::endian::little);

template <bool kSwap>
struct Load {
  static uint16_t u16(const uint8_t* p) {
    uint16_t v;
    std::memcpy(&v, p, sizeof v);
    return kSwap ? __builtin_bswap16(v) : v;
  }
  static uint32_t u32(const uint8_t* p) {
    uint32_t v;
    std::memcpy(&v, p, sizeof v);
    return kSwap ? __builtin_bswap32(v) : v;
  }
  static uint64_t u64(const uint8_t* p) {
    uint64_t v;
    std::memcpy(&v, p, sizeof v);
    return kSwap ? __builtin_bswap64(v) : v;
  }
  static base::IpAddr ip4(const uint8_t* p) { return base::IpAddr::v4(u32(p)); }
  // Two 64-bit halves, the upper one first, each in the writer's byte order.
  static base::IpAddr ip6(const uint8_t* p) {
    base::IpAddr a;
    for (int half = 0; half < 2; ++half) {
      const uint64_t be = __builtin_bswap64(u64(p + 8 * half));
      std::memcpy(a.bytes.data() + 8 * half, &be, 8);
    }
    return a;
  }
  // The low 48 bits of a 64-bit number, network order.
  static void mac(const uint8_t* p, uint8_t* out) {
    const uint64_t be = __builtin_bswap64(u64(p));
    std::memcpy(out, reinterpret_cast<const uint8_t*>(&be) + 2, 6);
  }
};

// An MPLS label stack entry as nfdump keeps it: 20 bits of label, 3 of class, 1 end-of-stack.
constexpr uint32_t label_of(uint32_t entry) { return (entry >> 4) & 0xfffff; }

}  // namespace netflowgen::flow::nfcapd
