// How protobuf messages follow one another: goflow2 writes a varint length before each (`-format bin`), and its file
// transport a separator behind each. Release 1.x can leave the length out, so that the whole of a Kafka record, or of a file, is
// one message. Told from the first bytes. Pure functions.
#pragma once

#include "flow/protobuf/goflow2_message.h"

namespace netflowgen::flow {

enum class Framing : uint8_t {
  kNone,       // no message of goflow2's is there
  kLength,     // length, message
  kSeparated,  // length, message, newline
  kBare,       // one message, to the end
};

// Of a whole input, or of its first bytes where `cut`. Only the first message is looked at, and what is behind it. A first
// message that is cut short is judged by the fields that are there.
Framing framing_of(Bytes head, bool cut, Goflow2Decoder& decoder);

struct Frame {
  size_t size = 0;  // octets to pass, separator included; 0: what is there is no frame
  Bytes message;    // empty where the frame is longer than what is there, or than a message can be
  ProtobufDrop bad = ProtobufDrop::kNone;  // kFraming, kCut, kTooLong
};

// The frame at the beginning of `window`, which ends with the input or holds kFrameWindow octets at least. REQUIRES: not
// empty; `framing` is not kNone.
inline constexpr size_t kFrameWindow = kMaxProtobufMessage + 16;
Frame next_frame(Bytes window, Framing framing);

}  // namespace netflowgen::flow
