// Which protocol a datagram speaks, told by its content and never by its port, and where a message ends in a file of
// bare messages. Pure functions; any thread.
#pragma once

#include <cstdint>

#include "flow/decoder/decoder.h"  // message_size, protocol_name

namespace netflowgen::flow {

enum class Protocols : uint8_t { kEmpty, kUnknown, kUnsupported, kLegacy, kV9, kIpfix, kSflow };

// kUnsupported: NetFlow 8, sFlow 2 or 4.
Protocols protocol_of(base::Bytes payload);

// Octets of a record of NetFlow v1: 52, or 48 where `bytes`, which begin with the message, end or continue with the next
// message just there. softflowd leaves out the last word, which is reserved. REQUIRES: at least 4 octets.
size_t v1_record_size(base::Bytes bytes);

}  // namespace netflowgen::flow
