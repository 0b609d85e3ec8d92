// Whether what a node carries beyond its usual traffic is ordinary use in an unusual amount: a flash crowd, a backup, a large download.
// Such an alert is raised, as it is unusual, but it is medium at most, and low where a few peers copy much. Pure functions.
//
// Honest limits: a flood of complete web requests is made of the same conversations, so it counts as ordinary, too. Data that somebody
// takes away is a copy like any other. What is not answered, or was seen in one direction alone, is not ordinary.
#pragma once

#include <span>

#include "detect/alert.h"

namespace netflowgen::detect {

// `seen` and `usual` are frames [kFeatureCount] of the node; NaN: not known. True where the excess is TCP in both directions, most of
// its flows are long, few open a connection in vain or reset one, and its packets have content. `flows` may be null: then
// packets a flow tell whether flows are long. Where sampling does not let one know, false.
bool ordinary_growth(std::span<const float> seen, std::span<const float> usual, const FlowEvidence* flows);

// True where one peer has a fifth of the excess or more, by flows, so that about five are behind all of it, and a flow of it carries
// 100 kB or more, both directions together: a backup, a copy, a large download. Many small conversations with one peer, such as
// passwords that are tried, are none. Of a frame in which peers are not known, false. REQUIRES: ordinary_growth of the
// same frames.
bool few_peers_copy(std::span<const float> seen, std::span<const float> usual);

}  // namespace netflowgen::detect
