// Sentences for the user about exporters whose clock is wrong, or whose flows are too old.
#pragma once

#include <vector>

#include "flow/decode_options.h"
#include "flow/decoder/decoder.h"
#include "flow/source.h"

namespace netflowgen::flow {

// One for each exporter whose flows were moved to their time of receipt, or whose clock differs from it by more than an
// hour while its flows keep its times. `options` are those of the decoder.
std::vector<SourceWarning> clock_warnings(const Decoder& decoder, const DecodeOptions& options);

}  // namespace netflowgen::flow
