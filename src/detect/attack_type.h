// What kind of attack an alert looks like, by a rule over what grew: the fallback where the model
// knows no types (type_model.h, or a classes head). Documented in docs/detection.md; pure functions.
//
// The rule holds for any packet sampling: frames are after sampling is undone, and lengths of flows count as
// far as the sampled flows let one know them (flow_length.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/alert.h"

namespace netflowgen::detect {

// `seen` and `usual` are frames [kFeatureCount] of the node: now, and what is usual for it (NaN: not known).
// `flows` may be null. A type's probability is its match over the sum of all matches and a constant for
// "unknown", times s / (s + 3), s being support_of(type): a share of the evidence, not calibrated.
AttackGuess guess_type(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows);

// The types that guess_type knows, "unknown" last.
std::span<const std::string_view> rule_types();

// A guess with few flows is worth less: its probability times s / (s + 3), s being `support`; below 0.25 it is unknown.
AttackGuess with_support(AttackGuess guess, double support);

// From a classes head's logits; the softmax is multiplied by s / (s + 3) as above.
AttackGuess guess_from_logits(std::span<const float> logits, const std::vector<std::string>& classes,
                              double support);

// How many sampled flows a guess rests on: those of the type's protocol or reflector port, a flow of many
// sampled packets counting up to four times. Without flows, the frame's flows_in.
double support_of(std::string_view type, std::span<const float> seen, const FlowEvidence* flows);

// What a type implies where no flow is known. nullopt: nothing.
std::optional<uint8_t> protocol_of_type(std::string_view type, bool v4);
std::optional<uint16_t> reflector_port(std::string_view type);

}  // namespace netflowgen::detect
