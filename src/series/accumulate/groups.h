// How the groups of a part (part.h) follow from each other, and which of them each feature needs.
#pragma once

#include <array>
#include <cstdint>

#include "series/accumulate/part.h"
#include "series/features.h"

namespace netflowgen::series {

// The groups that the others follow from.
inline constexpr std::array<uint16_t, 7> kBasicGroups = {
    kGroupBytes, kGroupPackets, kGroupDuration, kGroupPorts, kGroupProtocol, kGroupTcp, kGroupAddresses};

// Basic groups and those that follow from them.
constexpr uint16_t with_derived(unsigned basic) {
  unsigned g = basic;
  const auto has = [basic](unsigned groups) { return (basic & groups) == groups; };
  if (has(kGroupBytes | kGroupPackets)) g |= kGroupSize;
  if (has(kGroupProtocol | kGroupPackets)) g |= kGroupProtocolPackets;
  if (has(kGroupProtocol | kGroupPorts)) g |= kGroupService;
  if (has(kGroupProtocol | kGroupPorts | kGroupPackets)) g |= kGroupServicePackets;
  if (has(kGroupProtocol | kGroupPorts | kGroupBytes)) g |= kGroupServiceBytes;
  return static_cast<uint16_t>(g);
}

// The group that each feature of the "in" block needs, parallel to kFeatures; kOutOffset further for "out".
inline constexpr std::array<uint16_t, kOutOffset> kNeeds = {
    kGroupBytes,    kGroupPackets,   0,           kGroupSize,      kGroupDuration, kGroupAddresses,
    kGroupPorts,    kGroupAddresses, kGroupPorts, kGroupAddresses, kGroupProtocol, kGroupProtocol,
    kGroupProtocol, kGroupProtocol,  kGroupTcp,   kGroupTcp,       kGroupService,  kGroupService,
    kGroupPorts,
};

// What sums of bytes, packets, flows and durations need. They are one cache line of a state, and always kept.
inline constexpr uint16_t kSumGroups = with_derived(kGroupBytes | kGroupPackets | kGroupDuration);

}  // namespace netflowgen::series
