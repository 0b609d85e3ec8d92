// What kind of attack an alert looks like, and what to filter, by a rule over what grew: the fallback where the
// model has no classes head. Documented in docs/detection.md; pure functions.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "detect/alert.h"

namespace netflowgen::detect {

// `seen` and `usual` are frames [kFeatureCount] of the node: now, and what is usual for it (NaN: not known).
// `flows` may be null. A type's probability is its match over the sum of all matches and a constant for
// "unknown": a share of the evidence, not calibrated.
AttackGuess guess_type(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows);

// The types that guess_type knows, "unknown" last.
std::span<const std::string_view> rule_types();

// From a classes head's logits.
AttackGuess guess_from_logits(std::span<const float> logits, const std::vector<std::string>& classes);

// The narrowest filter that covers most of the packets; nullopt where the node is no address.
std::optional<Filter> suggest_filter(std::string_view node, std::string_view type, const FlowEvidence* flows,
                                     std::span<const SampledFlow> sample);

}  // namespace netflowgen::detect
