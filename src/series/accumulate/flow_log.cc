#include "series/accumulate/flow_log.h"

#include <array>

#include "series/accumulate/groups.h"

namespace netflowgen::series {
namespace {

constexpr unsigned kDurationBits = 27;  // 37 hours
constexpr unsigned kPacketBits = 20;
constexpr unsigned kClassAt = kDurationBits;
constexpr unsigned kOwnServiceAt = kClassAt + 2;
constexpr unsigned kLowBitsAt = kOwnServiceAt + 1;
constexpr unsigned kLowBits = 2;
constexpr unsigned kGroupsAt = kPacketBits;
constexpr unsigned kGroupsBits = kBasicGroups.size();
constexpr unsigned kHighBitsAt = kGroupsAt + kGroupsBits;
static_assert(kLowBitsAt + kLowBits == 32 && kHighBitsAt + 5 == 32 && kClassCount <= 4 &&
              kPartPorted < 1u << 7);

constexpr uint32_t low(uint32_t word, unsigned bits) { return word & ((1u << bits) - 1); }

// By code: a bit for each of kBasicGroups.
constexpr std::array<uint16_t, 1u << kGroupsBits> make_groups() {
  std::array<uint16_t, 1u << kGroupsBits> table{};
  for (unsigned code = 0; code < table.size(); ++code) {
    unsigned basic = 0;
    for (unsigned i = 0; i < kGroupsBits; ++i) basic |= (code >> i & 1) != 0 ? kBasicGroups[i] : 0u;
    table[code] = with_derived(basic);
  }
  return table;
}
constexpr auto kGroupsOf = make_groups();

uint32_t code_of(uint16_t groups) {
  uint32_t code = 0;
  for (unsigned i = 0; i < kGroupsBits; ++i) code |= (groups & kBasicGroups[i]) != 0 ? 1u << i : 0u;
  return code;
}

Part part_of(const LoggedPart& l) {
  const auto& w = l.words;
  Part p;
  p.bytes = w[2];
  p.packets = low(w[4], kPacketBits);
  p.duration_ms = low(w[3], kDurationBits);
  p.groups = kGroupsOf[low(w[4] >> kGroupsAt, kGroupsBits)];
  p.service_port = static_cast<uint16_t>((w[3] >> kOwnServiceAt & 1) != 0 ? w[1] >> 16 : w[1]);
  p.protocol_class = static_cast<uint8_t>(low(w[3] >> kClassAt, 2));
  p.bits = static_cast<uint8_t>(w[3] >> kLowBitsAt | w[4] >> kHighBitsAt << kLowBits);
  return p;
}

}  // namespace

PartCode encode(const Part& p) {
  const uint32_t groups = code_of(p.groups);
  PartCode code;
  code.fits = p.flows == 1 && p.bytes <= UINT32_MAX && p.packets < 1u << kPacketBits &&
              p.duration_ms < 1u << kDurationBits && kGroupsOf[groups] == p.groups;
  if (!code.fits) return code;
  code.bytes = static_cast<uint32_t>(p.bytes);
  code.duration = static_cast<uint32_t>(p.duration_ms) | uint32_t{p.protocol_class} << kClassAt |
                  uint32_t{p.bits} << kLowBitsAt;
  code.packets = static_cast<uint32_t>(p.packets) | groups << kGroupsAt |
                 static_cast<uint32_t>(p.bits >> kLowBits) << kHighBitsAt;
  return code;
}

bool log_part(const PartCode& code, const Part& p, const End& end, LoggedPart& to) {
  const bool own = p.service_port == end.own_port;
  if (!code.fits || (!own && p.service_port != end.peer_port)) return false;
  to.words[0] = end.peer_hash;
  to.words[1] = uint32_t{end.own_port} << 16 | end.peer_port;
  to.words[2] = code.bytes;
  to.words[3] = code.duration | uint32_t{own} << kOwnServiceAt;
  to.words[4] = code.packets;
  return true;
}

void add(DirectionState& state, const LoggedPart& l, Arena& arena) {
  add(state, part_of(l),
      {l.words[0], static_cast<uint16_t>(l.words[1] >> 16), static_cast<uint16_t>(l.words[1])}, arena);
}

LoggedVolumes volumes_of(const LoggedPart& l) {
  const Part p = part_of(l);
  return {p.bytes, p.packets, p.bits & uint64_t{kPartStarts}, p.groups};
}

}  // namespace netflowgen::series
