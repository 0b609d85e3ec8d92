// Which protocol a datagram speaks, told by its content and never by its port, and where a message ends in a file of
// bare messages. Pure functions; any thread.
#pragma once

#include <cstdint>

#include "flow/decoder/decoder.h"  // message_size, protocol_name

namespace netflowgen::flow {

enum class Protocols : uint8_t { kEmpty, kUnknown, kUnsupported, kLegacy, kV9, kIpfix, kSflow };

// kUnsupported: NetFlow 8, sFlow 2 or 4.
Protocols protocol_of(base::Bytes payload);

}  // namespace netflowgen::flow
