#include "flow/protobuf/goflow2_fields.h"

#include <bit>
#include <cstring>
#include <utility>

namespace netflowgen::flow {

using namespace goflow2;

namespace {

constexpr uint64_t kMore = 0x8080808080808080;  // in each octet of a varint: another one follows

// The seven bits of each octet, put together; the octets' high bits do not count.
uint64_t squeeze(uint64_t octets) {
  uint64_t v = octets & ~kMore;
  v = (v & 0x007f007f007f007f) | (v & 0x7f007f007f007f00) >> 1;
  v = (v & 0x00003fff00003fff) | (v & 0x3fff00003fff0000) >> 2;
  return (v & 0x0fffffff) | (v & 0x0fffffff00000000) >> 4;
}

// Reads a varint of up to nine octets and passes it. False: it is longer or may reach past the end, and nothing was passed. Lengths
// that occur are told apart by jumps: they are foreseen, so that the next field is read meanwhile.
inline bool take_number(const uint8_t*& at, const uint8_t* end, uint64_t& value) {
  if (at[0] < 0x80) {
    value = at[0];
    at += 1;
    return true;
  }
  if (end - at < 9) return false;
  if (at[1] < 0x80) {
    value = (at[0] & 0x7fu) | uint64_t{at[1]} << 7;
    at += 2;
    return true;
  }
  if (at[2] < 0x80) {
    value = (at[0] & 0x7fu) | uint64_t{at[1] & 0x7fu} << 7 | uint64_t{at[2]} << 14;
    at += 3;
    return true;
  }
  uint64_t octets = 0;
  std::memcpy(&octets, at, 8);
  if constexpr (std::endian::native == std::endian::big) octets = __builtin_bswap64(octets);
  const uint64_t ends = ~octets & kMore;
  if (ends == 0) {
    if (at[8] >= 0x80) return false;
    value = squeeze(octets) | uint64_t{at[8]} << 56;
    at += 9;
    return true;
  }
  value = squeeze(octets & (ends ^ (ends - 1)));
  at += std::countr_zero(ends) / 8 + 1;
  return true;
}

// Zeros by one store each, which become wide ones. A loop becomes `rep stos`, which costs more than all of them.
template <typename T, size_t kSize>
void clear(std::array<T, kSize>& all) {
  [&]<size_t... kAt>(std::index_sequence<kAt...>) { ((all[kAt] = 0), ...); }
  (std::make_index_sequence<kSize>{});
}

}  // namespace

bool Goflow2Fields::take_any(const uint8_t*& at, const uint8_t* end) {
  Bytes rest(at, end);
  WireField field;
  if (!take_field(rest, field)) return false;
  at = rest.data();
  if (field.field >= WireFields::kMaxField) return true;
  if (field.type == WireType::kVarint && field.field == kMplsLabels) {
    label_ = field.number;
    single_label_ = true;
  } else if (field.type == WireType::kVarint) {
    numbers_[kSlots[field.field << 3]] = field.number;
  } else if (field.type == WireType::kLength) {
    const size_t slot = kSlots[field.field << 3 | 2] - kOctets;
    sizes_[slot] = static_cast<uint32_t>(field.bytes.size());
    octets_[slot] = field.bytes.data();
  }
  return true;
}

bool Goflow2Fields::parse(Bytes message) {
  clear(numbers_);
  clear(sizes_);
  single_label_ = false;
  const uint8_t* at = message.data();
  const uint8_t* const end = at + message.size();
  while (at != end) {
    if (end - at >= 3) {
      const bool two = at[0] >= 0x80;
      const size_t tag = two ? (at[0] & 0x7fu) | size_t{at[1]} << 7 : at[0];
      const uint8_t slot = tag < kTags ? kSlots[tag] : kNoSlot;
      const uint8_t* value = at + (two ? 2 : 1);
      if (slot < kOctets) {
        if (take_number(value, end, numbers_[slot])) [[likely]] {
          at = value;
          continue;
        }
      } else if (slot != kNoSlot && *value < 0x80 && *value < end - value) {
        sizes_[slot - kOctets] = *value;
        octets_[slot - kOctets] = value + 1;
        at = value + 1 + *value;
        continue;
      }
    }
    if (!take_any(at, end)) return false;
  }
  return true;
}

bool Goflow2Fields::first(uint32_t field, uint64_t& value) const {
  Bytes packed = bytes(field);
  if (!packed.empty()) return take_varint(packed, value);
  value = single_label_ ? label_ : 0;
  return single_label_;
}

}  // namespace netflowgen::flow
