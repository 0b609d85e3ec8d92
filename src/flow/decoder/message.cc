#include "flow/decoder/message.h"

#include <algorithm>

#include "base/cursor.h"

namespace netflowgen::flow {
namespace {

using base::Bytes;
using base::Cursor;
using base::load_be16;

constexpr size_t kV9Header = 20;

// A v9 header does not have the length of its message. Set ids 2 to 255 are reserved (RFC 3954 section 5.2), so a version
// number where a set could begin is the next message's.
size_t v9_size(Bytes bytes) {
  for (size_t at = kV9Header; at + 4 <= bytes.size();) {
    const uint16_t id = load_be16(bytes.data() + at);
    if (id == 5 || id == 7 || id == 9 || id == 10) return at;
    const uint16_t length = load_be16(bytes.data() + at + 2);
    if (length < 4) break;
    if (id == 0 && length == 5) return at;  // no set is so short: an sFlow datagram begins so
    at += length;
    if (at > bytes.size()) return at;
  }
  return bytes.size();
}

constexpr size_t kV1Header = 16;

size_t sflow_size(Bytes bytes) {
  Cursor c(bytes);
  c.skip(4);
  const uint32_t family = c.u32();
  c.skip((family == 2 ? 16u : family == 1 ? 4u : 0u) + 12u);
  for (uint32_t samples = c.u32(); samples > 0 && c.ok(); --samples) {
    c.skip(4);
    c.skip(c.u32());
  }
  return c.ok() ? c.position() : bytes.size() + 1;
}

// More than there is where the message is cut short.
size_t whole_size(Bytes bytes) {
  switch (protocol_of(bytes)) {
    case Protocols::kLegacy: {
      const uint16_t version = load_be16(bytes.data());
      const size_t count = load_be16(bytes.data() + 2);
      return version == 1 ? kV1Header + count * v1_record_size(bytes)
                          : 24 + count * (version == 5 ? 48u : 52u);
    }
    case Protocols::kIpfix:
      return std::max<size_t>(load_be16(bytes.data() + 2), 16);
    case Protocols::kV9:
      return v9_size(bytes);
    case Protocols::kSflow:
      return sflow_size(bytes);
    default:
      return 0;
  }
}

}  // namespace

Protocols protocol_of(Bytes p) {
  if (p.empty()) return Protocols::kEmpty;
  if (p.size() < 4) return Protocols::kUnknown;
  switch (load_be16(p.data())) {
    case 1:
    case 5:
    case 7:
      return Protocols::kLegacy;
    case 8:
      return Protocols::kUnsupported;
    case 9:
      return Protocols::kV9;
    case 10:
      return Protocols::kIpfix;
    case 0:
      break;
    default:
      return Protocols::kUnknown;
  }
  switch (base::load_be32(p.data())) {
    case 2:
    case 4:
      return Protocols::kUnsupported;
    case 5:
      return Protocols::kSflow;
    default:
      return Protocols::kUnknown;
  }
}

size_t v1_record_size(Bytes bytes) {
  const size_t count = load_be16(bytes.data() + 2);
  const auto ends_with = [&](size_t record) {
    const size_t end = kV1Header + count * record;
    return end == bytes.size() || (end + 2 <= bytes.size() && load_be16(bytes.data() + end) == 1);
  };
  return !ends_with(52) && ends_with(48) ? 48 : 52;
}

size_t message_size(Bytes bytes) { return std::min(whole_size(bytes), bytes.size()); }

bool message_is_cut(Bytes bytes) { return whole_size(bytes) > bytes.size(); }

std::string_view protocol_name(Bytes payload) {
  switch (protocol_of(payload)) {
    case Protocols::kV9:
      return "v9";
    case Protocols::kIpfix:
      return "ipfix";
    case Protocols::kSflow:
      return "sflow5";
    case Protocols::kLegacy: {
      const uint16_t version = load_be16(payload.data());
      return version == 1 ? "v1" : version == 5 ? "v5" : "v7";
    }
    default:
      return {};
  }
}

}  // namespace netflowgen::flow
