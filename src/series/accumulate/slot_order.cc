#include "series/accumulate/slot_order.h"

#include <algorithm>
#include <array>

#include "series/accumulate/step_table.h"

namespace netflowgen::series {
namespace {

constexpr size_t kFew = 256;  // sorted by comparison
constexpr size_t kOctets = 21;

// The key in octets, the most significant first: kind, address, number.
std::array<uint8_t, kOctets> octets_of(const StepSlot& s) {
  std::array<uint8_t, kOctets> key{};
  key[0] = s.kind;
  std::copy(s.address.bytes.begin(), s.address.bytes.end(), key.begin() + 1);
  for (size_t i = 0; i < 4; ++i) key[17 + i] = static_cast<uint8_t>(s.number >> (24 - 8 * i));
  return key;
}

uint8_t octet(const StepSlot& s, size_t i) {
  if (i == 0) return s.kind;
  if (i <= 16) return s.address.bytes[i - 1];
  return static_cast<uint8_t>(s.number >> (24 - 8 * (i - 17)));
}

}  // namespace

void sort_by_node(std::vector<StepSlot>& slots) {
  if (slots.size() < kFew) {
    std::sort(slots.begin(), slots.end(),
              [](const StepSlot& x, const StepSlot& y) { return x.node() < y.node(); });
    return;
  }
  std::array<uint8_t, kOctets> differ{};
  const auto first = octets_of(slots[0]);
  for (const auto& s : slots) {
    const auto key = octets_of(s);
    for (size_t i = 0; i < kOctets; ++i) differ[i] = static_cast<uint8_t>(differ[i] | (key[i] ^ first[i]));
  }
  std::vector<StepSlot> other(slots.size());
  for (size_t i = kOctets; i-- > 0;) {
    if (differ[i] == 0) continue;
    std::array<size_t, 257> begin{};
    for (const auto& s : slots) ++begin[size_t{octet(s, i)} + 1];
    for (size_t b = 1; b < begin.size(); ++b) begin[b] += begin[b - 1];
    for (const auto& s : slots) other[begin[octet(s, i)]++] = s;
    slots.swap(other);
  }
}

}  // namespace netflowgen::series
