#include "base/ip.h"

#include <arpa/inet.h>
#include <algorithm>

#include <charconv>

namespace netflowgen::base {
namespace {

std::optional<IpAddr> parse_v4(std::string_view text) {
  uint32_t value = 0;
  int parts = 0;
  size_t i = 0;
  while (true) {
    unsigned part = 0;
    size_t digits = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && digits < 4; ++i, ++digits) {
      part = part * 10 + static_cast<unsigned>(text[i] - '0');
    }
    if (digits == 0 || digits > 3 || part > 255) return std::nullopt;
    value = value << 8 | part;
    if (++parts == 4) break;
    if (i >= text.size() || text[i] != '.') return std::nullopt;
    ++i;
  }
  if (i != text.size()) return std::nullopt;
  return IpAddr::v4(value);
}

}  // namespace

std::optional<IpAddr> IpAddr::parse(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_v4(text);
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  IpAddr a;
  if (inet_pton(AF_INET6, buffer, a.bytes.data()) != 1) return std::nullopt;
  return a;
}

std::string IpAddr::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  if (!is_v4()) return inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  char* end = buffer;  // not inet_ntop: it formats with sprintf, and every node has a name
  for (size_t i = 12; i < 16; ++i) {
    if (i > 12) *end++ = '.';
    end = std::to_chars(end, buffer + sizeof buffer, unsigned{bytes[i]}).ptr;
  }
  return {buffer, end};
}

IpAddr mask(const IpAddr& a, unsigned length) {
  const auto ones = [](unsigned n) { return n == 0 ? 0 : __builtin_bswap64(~uint64_t{0} << (64 - n)); };
  uint64_t halves[2];
  std::memcpy(halves, a.bytes.data(), sizeof halves);
  halves[0] &= ones(std::min(length, 64u));
  halves[1] &= ones(std::clamp(length, 64u, 128u) - 64);
  IpAddr out;
  std::memcpy(out.bytes.data(), halves, sizeof halves);
  return out;
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddr::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned base = address->is_v4() ? 96 : 0;
  unsigned length = 128 - base;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned n = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (error != std::errc() || end != digits.data() + digits.size() || n > 128 - base) return std::nullopt;
    length = n;
  }
  length += base;
  return Prefix{mask(*address, length), static_cast<uint8_t>(length)};
}

bool Prefix::contains(const IpAddr& a) const { return mask(a, length) == address; }

std::string Prefix::to_string() const {
  const bool v4 = address.is_v4() && length >= 96;
  return address.to_string() + "/" + std::to_string(v4 ? length - 96 : length);
}

}  // namespace netflowgen::base
