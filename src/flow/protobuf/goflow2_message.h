// One FlowMessage of goflow2 (its protobuf schema flow.proto, releases 1.x and 2.x) to a Flow. The rules are those of
// goflow2's JSON (text/dialects/goflow2.cc), so that both forms of one flow give the same Flow; a test compares them.
//
// proto3 does not write zeros: a field that is not there may be zero or may never have been exported. Where zero is a
// useful value (counters, ports, protocol, type of service) it is known; where it is none (sampling rate, interfaces, AS
// numbers, masks, TTL, VLANs, next hop, MACs) it is missing. Pure functions but for the fields' buffer; one thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "flow/protobuf/goflow2_fields.h"
#include "flow/record.h"

namespace netflowgen::flow {

enum class ProtobufDrop : uint8_t {
  kNone,
  kMalformed,  // no protobuf message
  kForeign,    // a protobuf message, but none of goflow2's: it has neither a time nor an exporter
  kTime,       // no time
  kAddress,    // of another length than 4 or 16
  kNumber,     // a port, protocol or another number that its field cannot have
  kNotIp,
  kTooLong,  // longer than kMaxProtobufMessage
  kCut,      // the file ends inside it
  kFraming,  // what comes is no length: the rest of the file is passed
  kCount
};
constexpr std::string_view name_of(ProtobufDrop reason) {
  constexpr std::string_view kNames[] = {"none",       "malformed", "foreign",  "no_time",   "bad_address",
                                         "bad_number", "not_ip",    "too_long", "cut_short", "framing"};
  static_assert(std::size(kNames) == static_cast<size_t>(ProtobufDrop::kCount));
  return kNames[static_cast<size_t>(reason)];
}

inline constexpr size_t kMaxProtobufMessage = 65'536;

// What a Flow of these messages may have.
inline constexpr uint32_t kGoflow2Known =
    kKnownBytes | kKnownPackets | kKnownPorts | kKnownProtocol | kKnownTcpFlags | kKnownDuration |
    kKnownInterfaces | kKnownAs | kKnownFragment | kKnownSampling | kKnownTos | kKnownVlan | kKnownMpls |
    kKnownMasks | kKnownIcmp | kKnownNextHop | kKnownAddresses | kKnownVrf | kKnownMac | kKnownDirection |
    kKnownTtl;

class Goflow2Decoder {
 public:
  // kNone: `flow` holds the message's flow, before settle() (settle.h). Otherwise `flow` holds anything.
  ProtobufDrop decode(Bytes message, Flow& flow);
  // Whether the bytes are a message of goflow2's, with a time or an exporter.
  bool recognises(Bytes message);

 private:
  Goflow2Fields fields_;
};

// The same by WireFields: the reference, for tests.
ProtobufDrop decode_goflow2_reference(Bytes message, Flow& flow);

}  // namespace netflowgen::flow
