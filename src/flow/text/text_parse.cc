#include "flow/text/text_parse.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "flow/record.h"

namespace netflowgen::flow {
namespace {

constexpr uint8_t kEce = 64;
constexpr uint8_t kCwr = 128;

// By character: the flag of a letter, 0 of what stands for none, kNoFlag of all others.
constexpr uint16_t kNoFlag = 0x100;
constexpr auto kFlags = [] {
  std::array<uint16_t, 256> flags{};
  flags.fill(kNoFlag);
  for (const char none : {'.', ' ', '-'}) flags[static_cast<uint8_t>(none)] = 0;
  constexpr std::pair<char, uint8_t> kLetters[] = {{'f', kFin}, {'s', kSyn}, {'r', kRst}, {'p', kPsh},
                                                   {'a', kAck}, {'u', kUrg}, {'e', kEce}, {'c', kCwr}};
  for (const auto& [letter, flag] : kLetters) {
    flags[static_cast<uint8_t>(letter)] = flags[static_cast<uint8_t>(letter - 32)] = flag;
  }
  return flags;
}();

}  // namespace

bool parse_double(std::string_view text, double& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(v)) return false;
  value = v;
  return true;
}

bool parse_u64_slow(std::string_view text, uint64_t& value) {
  if (text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    return error == std::errc() && end == text.data() + text.size();
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return true;
  double v = 0;
  if (!parse_double(text, v) || v < 0 || v > 0x1p63) return false;
  value = static_cast<uint64_t>(std::llround(v));
  return true;
}

bool parse_scaled_ms_slow(std::string_view text, double scale, int64_t& ms) {
  double v = 0;
  if (!parse_double(text, v)) return false;
  v *= scale * 1000.0;
  if (!(std::fabs(v) < 1e15)) return false;
  ms = std::llround(v);
  return true;
}

bool parse_tcp_flags(std::string_view text, uint8_t& flags) {
  if (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    uint64_t number = 0;
    if (!parse_u64(text, number) || number > 0x1ff) return false;
    flags = static_cast<uint8_t>(number);
    return true;
  }
  unsigned sum = 0;
  for (const char c : text) sum |= kFlags[static_cast<uint8_t>(c)];
  if (sum >= kNoFlag) return false;
  flags = static_cast<uint8_t>(sum);
  return true;
}

bool parse_mac(std::string_view text, uint8_t (&mac)[6]) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < 6; ++i) {
    const char* p = text.data() + i * 3;
    const auto [end, error] = std::from_chars(p, p + 2, mac[i], 16);
    if (error != std::errc() || end != p + 2) return false;
    if (i < 5 && p[2] != ':' && p[2] != '-') return false;
  }
  return true;
}

}  // namespace netflowgen::flow
