// Builds protobuf messages for tests and seeds of fuzzing, so that a test shows what a message says and not its hex dump.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/cursor.h"
#include "base/ip.h"

namespace netflowgen::flow::goflow2 {

inline base::Bytes bytes_of(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

inline std::string varint(uint64_t v) {
  std::string out;
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  return out + static_cast<char>(v);
}

// Fields in the order of the calls. A zero is written as well.
class Message {
 public:
  Message& number(uint32_t field, uint64_t value) {
    text_ += varint(uint64_t{field} << 3) + varint(value);
    return *this;
  }
  Message& bytes(uint32_t field, std::string_view value) {
    text_ += varint(uint64_t{field} << 3 | 2) + varint(value.size());
    text_ += value;
    return *this;
  }
  // Dotted, or of IPv6; "" writes an empty field.
  Message& address(uint32_t field, std::string_view value) {
    const auto a = value.empty() ? base::IpAddr{} : *base::IpAddr::parse(value);
    const std::string_view all(reinterpret_cast<const char*>(a.bytes.data()), 16);
    return bytes(field, value.empty() ? "" : a.is_v4() ? all.substr(12) : all);
  }
  Message& raw(std::string_view octets) {
    text_ += octets;
    return *this;
  }
  const std::string& text() const { return text_; }
  std::string with_length() const { return varint(text_.size()) + text_; }

 private:
  std::string text_;
};

inline constexpr uint64_t kSecond = 1'000'000'000;
inline constexpr uint64_t kBase = 1'767'225'600 * kSecond;  // 2026-01-01

// A TCP flow of release 2.x, from 10.0.0.1:40000 to 198.51.100.9:80, 5 packets of 300 octets, `ms` after 2026-01-01.
inline Message tcp_flow(uint64_t ms = 0) {
  const uint64_t start = kBase + ms * 1'000'000;
  Message m;
  m.number(1, 3).number(4, 7).address(6, "10.0.0.1").address(7, "198.51.100.9").number(9, 300).number(10, 5);
  m.address(11, "192.0.2.1").number(20, 6).number(21, 40000).number(22, 80).number(26, 27).number(30, 0x800);
  m.number(110, start + kSecond).number(111, start).number(112, start + 200'000'000);
  return m;
}

}  // namespace netflowgen::flow::goflow2
