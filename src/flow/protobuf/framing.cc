#include "flow/protobuf/framing.h"

#include <algorithm>

namespace netflowgen::flow {
namespace {

constexpr uint8_t kSeparator = '\n';
// A length that is longer than this is none, and what follows cannot be found again.
constexpr uint64_t kMaxLength = uint64_t{1} << 31;
constexpr size_t kLeastMessage = 8;

// The part of a cut message that ends with a whole field, so that it is a message by itself.
Bytes whole_fields(Bytes message) {
  Bytes rest = message;
  while (!rest.empty()) {
    Bytes at = rest;
    uint64_t tag = 0;
    uint64_t value = 0;
    if (!take_varint(at, tag) || !take_varint(at, value)) break;
    if ((tag & 7) == 2) {
      if (value > at.size()) break;
      at = at.subspan(static_cast<size_t>(value));
    } else if ((tag & 7) != 0) {
      break;
    }
    rest = at;
  }
  return message.first(message.size() - rest.size());
}

// Whether a length and a message of goflow2's, or their beginning, are what follows.
bool starts_frame(Bytes bytes, bool cut, Goflow2Decoder& decoder, size_t& size) {
  Bytes rest = bytes;
  uint64_t length = 0;
  if (!take_varint(rest, length) || length < kLeastMessage || length > kMaxProtobufMessage) return false;
  size = bytes.size() - rest.size() + static_cast<size_t>(length);
  if (length <= rest.size()) return decoder.recognises(rest.first(static_cast<size_t>(length)));
  return cut && decoder.recognises(whole_fields(rest));
}

}  // namespace

Framing framing_of(Bytes head, bool cut, Goflow2Decoder& decoder) {
  size_t size = 0;
  if (!starts_frame(head, cut, decoder, size)) {
    const bool bare = head.size() >= kLeastMessage && decoder.recognises(cut ? whole_fields(head) : head);
    return bare ? Framing::kBare : Framing::kNone;
  }
  if (size >= head.size() || head[size] != kSeparator) return Framing::kLength;
  const Bytes behind = head.subspan(size + 1);
  // A newline is a separator, or the length of a message of ten octets, which no flow fits in.
  return behind.empty() || starts_frame(behind, true, decoder, size) || behind.size() < kLeastMessage
             ? Framing::kSeparated
             : Framing::kLength;
}

Frame next_frame(Bytes window, Framing framing) {
  if (framing == Framing::kBare) {
    const bool fits = window.size() <= kMaxProtobufMessage;
    return {window.size(), fits ? window : Bytes(), fits ? ProtobufDrop::kNone : ProtobufDrop::kTooLong};
  }
  Bytes rest = window;
  uint64_t length = 0;
  if (!take_varint(rest, length))
    return {0, {}, rest.size() < 10 ? ProtobufDrop::kCut : ProtobufDrop::kFraming};
  if (length == 0 || length > kMaxLength) return {0, {}, ProtobufDrop::kFraming};
  const size_t start = window.size() - rest.size();
  const size_t separator = framing == Framing::kSeparated ? 1 : 0;
  const size_t size = start + static_cast<size_t>(length) + separator;
  if (length > kMaxProtobufMessage) return {size, {}, ProtobufDrop::kTooLong};
  if (length > rest.size()) return {window.size(), {}, ProtobufDrop::kCut};
  const Bytes message = rest.first(static_cast<size_t>(length));
  if (separator == 0 || length == rest.size()) return {std::min(size, window.size()), message, {}};
  if (rest[static_cast<size_t>(length)] != kSeparator) return {0, {}, ProtobufDrop::kFraming};
  return {size, message, {}};
}

}  // namespace netflowgen::flow
