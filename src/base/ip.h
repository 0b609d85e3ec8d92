// Addresses and prefixes, both families in one 16-byte form: IPv4 is kept as ::ffff:a.b.c.d (RFC
// 4291 2.5.5.2).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace netflowgen::base {

struct IpAddr {
  std::array<uint8_t, 16> bytes{};  // network order

  static IpAddr v4(uint32_t host_order) {
    IpAddr a;
    a.bytes[10] = a.bytes[11] = 0xff;
    const uint32_t be = __builtin_bswap32(host_order);
    std::memcpy(a.bytes.data() + 12, &be, 4);
    return a;
  }
  bool is_v4() const {
    static constexpr uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes.data(), kPrefix, 12) == 0;
  }
  uint32_t v4_host_order() const {  // REQUIRES: is_v4()
    uint32_t be;
    std::memcpy(&be, bytes.data() + 12, 4);
    return __builtin_bswap32(be);
  }
  bool is_zero() const { return *this == IpAddr{}; }

  // "192.0.2.1", "2001:db8::1"; IPv4 may have leading zeros in its parts ("172.016.112.020"). Error: nullopt.
  static std::optional<IpAddr> parse(std::string_view text);
  std::string to_string() const;  // RFC 5952; IPv4 dotted

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 that a comparison yields for one
  auto operator<=>(const IpAddr&) const = default;
  bool operator==(const IpAddr&) const = default;

  uint64_t hash() const {
    uint64_t a;
    uint64_t b;
    std::memcpy(&a, bytes.data(), 8);
    std::memcpy(&b, bytes.data() + 8, 8);
    return mix64(b ^ mix64(a));
  }
};

struct Prefix {
  IpAddr address;      // host bits are zero
  uint8_t length = 0;  // of the 128-bit form: 96 + n for IPv4 /n

  // "10.0.0.0/8", "2001:db8::/32", or an address (a host prefix). Error: nullopt.
  static std::optional<Prefix> parse(std::string_view text);
  bool contains(const IpAddr& a) const;
  std::string to_string() const;  // "10.0.0.0/8"

  auto operator<=>(const Prefix&) const = default;
  bool operator==(const Prefix&) const = default;
};

// `a` with the bits past `length` (of the 128-bit form) cleared.
IpAddr mask(const IpAddr& a, unsigned length);

}  // namespace netflowgen::base

template <>
struct std::hash<netflowgen::base::IpAddr> {
  size_t operator()(const netflowgen::base::IpAddr& a) const noexcept { return a.hash(); }
};
