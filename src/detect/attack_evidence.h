// What an attack adds to its victim's traffic, as numbers: what a learnt type model (type_model.h) reads. Documented in docs/tasks.md;
// pure functions.
//
// Invariants: 1. No number depends on how much traffic the node has: they are shares, entropies, mean sizes, ports, and logarithms of
// ratios. 2. All are finite; -1 stands for what is not known.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace netflowgen::detect {

// In this order: of what came beyond the usual the shares of protocols, fragments, SYN, RST and reflectors, the mean packet size,
// and whether a reflector's port is the top port; what share of the traffic is beyond the usual; the rest.
inline constexpr size_t kKindInputs = 14;
inline constexpr size_t kExcessInputs = 3;  // of packets, flows, bytes
inline constexpr size_t kEvidenceInputs = 82;
using AttackEvidence = std::array<float, kEvidenceInputs>;

// `seen` and `usual` are frames [kFeatureCount] of the node: now, and what is usual for it (NaN: not known, counts as nothing).
// nullopt: `seen` lacks a feature that is needed, as sources without ports or flags do.
std::optional<AttackEvidence> attack_evidence(std::span<const float> seen, std::span<const float> usual);

// The largest share of packets, flows or bytes that is beyond the usual, 0 to 1.
float excess_share(const AttackEvidence& evidence);

std::vector<std::string> evidence_names();  // [kEvidenceInputs]

}  // namespace netflowgen::detect
