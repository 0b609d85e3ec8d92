// The fields of one FlowMessage that become a Flow, found in one pass: the fast path of WireFields, which is its reference. Each field
// of goflow2_numbers.h has a slot; a table tells a tag's slot, so a field costs its octets, one look-up and one store. What the
// table does not know (other wire types, long tags, long lengths) is read as WireFields reads it. A test and a fuzz program
// compare both (bench/protobuf.cc: what it is worth).
//
// Invariants: those of WireFields. One thread.
#pragma once

#include <array>
#include <cstdint>

#include "flow/protobuf/goflow2_numbers.h"
#include "flow/protobuf/wire_fields.h"

namespace netflowgen::flow {

namespace goflow2 {

// A slot is an index of numbers, or kOctets and more: an index of octets behind kOctets.
inline constexpr size_t kTags = size_t{WireFields::kMaxField} << 3;  // those of fields that may have a slot
inline constexpr uint8_t kOtherNumber = std::size(kNumberFields);    // of fields that nobody asks for
inline constexpr uint8_t kOctets = 64;
inline constexpr uint8_t kLabels = kOctets + std::size(kOctetFields);
inline constexpr uint8_t kOtherOctets = kLabels + 1;
inline constexpr uint8_t kNoSlot = 255;
static_assert(kOtherNumber < kOctets);

constexpr std::array<uint8_t, kTags> make_slots() {
  std::array<uint8_t, kTags> slots{};
  for (size_t tag = 0; tag < kTags; ++tag) {
    slots[tag] = tag < 8 ? kNoSlot : (tag & 7) == 0 ? kOtherNumber : (tag & 7) == 2 ? kOtherOctets : kNoSlot;
  }
  uint8_t slot = 0;
  for (const uint32_t field : kNumberFields) slots[field << 3] = slot++;
  slot = kOctets;
  for (const uint32_t field : kOctetFields) slots[field << 3 | 2] = slot++;
  slots[kMplsLabels << 3 | 2] = kLabels;
  slots[kMplsLabels << 3] = kNoSlot;
  return slots;
}
inline constexpr std::array<uint8_t, kTags> kSlots = make_slots();  // by tag

}  // namespace goflow2

class Goflow2Fields {
 public:
  // False: these bytes are no protobuf message. Then the fields hold anything. REQUIRES: shorter than 4 GiB.
  bool parse(Bytes message);

  // As WireFields has them. REQUIRES: a field of kNumberFields, kOctetFields, kMplsLabels.
  uint64_t number(uint32_t field) const { return numbers_[goflow2::kSlots[field << 3]]; }
  Bytes bytes(uint32_t field) const {
    const size_t slot = goflow2::kSlots[field << 3 | 2] - goflow2::kOctets;
    return {octets_[slot], sizes_[slot]};
  }
  bool first(uint32_t field, uint64_t& value) const;

 private:
  bool take_any(const uint8_t*& at, const uint8_t* end);

  std::array<uint64_t, goflow2::kOtherNumber + 1> numbers_;
  std::array<uint32_t, goflow2::kOtherOctets - goflow2::kOctets + 1> sizes_;  // 0: missing
  std::array<const uint8_t*, goflow2::kOtherOctets - goflow2::kOctets + 1> octets_;
  bool single_label_ = false;  // kMplsLabels came as a single number, which is label_
  uint64_t label_ = 0;
};

}  // namespace netflowgen::flow
