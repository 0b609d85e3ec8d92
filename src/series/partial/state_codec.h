// The accumulator of one node, step and direction as bytes, and back: message State of docs/partial_frames.proto.
//
// Law (partial_frames_test.cc): a decoded state merges and finishes as the encoded one, to the bit.
#pragma once

#include <vector>

#include "series/accumulate/state.h"
#include "series/partial/wire.h"

namespace netflowgen::series {

// Appends the fields of the message. REQUIRES: state.active > 0.
void encode_state(const DirectionState& state, const Arena& arena, WireWriter& to);

// `state` is empty and in `arena`, which sketches are added to. False: the bytes are no state that encode_state() makes, in
// form or in the bounds of its values.
bool decode_state(Bytes bytes, DirectionState& state, Arena& arena);

}  // namespace netflowgen::series
