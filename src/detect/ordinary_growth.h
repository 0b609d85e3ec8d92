// Whether what a node carries beyond its usual traffic is ordinary use in an unusual amount: a flash crowd, a backup, a large download.
// Such an alert is raised, as it is unusual, but it is medium at most. Pure functions.
//
// Honest limits: a flood of complete web requests is made of the same conversations, so it counts as ordinary, too. What is not
// answered, or was seen in one direction alone, does not.
#pragma once

#include <span>

#include "detect/alert.h"

namespace netflowgen::detect {

// `seen` and `usual` are frames [kFeatureCount] of the node; NaN: not known. True where the excess is TCP in both directions, most of
// its flows are long, few open a connection in vain or reset one, and its packets have content. `flows` may be null: then
// packets a flow tell whether flows are long. Where sampling does not let one know, false.
bool ordinary_growth(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows);

}  // namespace netflowgen::detect
