// What the decoders know about information elements: which field of a Flow each fills, and how. One constexpr
// table drives the compiled plans; the reference reader (reference_reader.cc) states the same rules independently.
//
// v9 field types below 128 are the IANA elements of the same number (RFC 7012 section 1), so one table serves
// both; ids from 128 in v9 follow IPFIX too, as exporters use them, and those from 32768 are vendors' own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace netflowgen::flow {

inline constexpr uint32_t kPenIana = 0;
inline constexpr uint32_t kPenCert = 6871;      // reverse elements: id with bit 0x4000
inline constexpr uint32_t kPenReverse = 29305;  // RFC 5103 section 6.1

// How octets become a value of the Flow.
enum class Convert : uint8_t {
  kUint,           // 1 to 8 octets, big-endian, the low bits that fit the target
  kIpv4,           // 4 octets
  kIpv6,           // 16
  kMac,            // 6
  kMplsLabel,      // 3 octets or more: the first 20 bits
  kNonZero,        // 1 when any bit is set
  kMoreFragments,  // fragmentFlags: 1 when bit 2 is set
  kHighByte,       // ICMP type
  kLowByte,        // ICMP code
  kTimeSeconds,    // Unix
  kTimeMs,
  kTimeNtp,          // 8 octets, RFC 5905 short of the era: seconds since 1900 and a fraction
  kTimeUptime,       // milliseconds since the exporter's boot, modulo 2^32
  kTimeDeltaMicros,  // before the export time
  kQuotaEvent,       // natEvent 13 (quota exceeded) where any bit is set
  kThresholdEvent,   // natEvent 18 (threshold reached), ditto
  kCount32,          // 1 to 8 octets; more than 32 bits hold are as many as they hold
};

// A field of Flow that elements fill. Several elements may fill one: `rank` says which goes first.
enum class Target : uint8_t {
  kSrc,
  kDst,
  kNextHop,
  kNatSrc,
  kNatDst,
  kBytes,
  kPackets,
  kInIf,
  kOutIf,
  kSrcAs,
  kDstAs,
  kVrfIn,
  kVrfOut,
  kMplsLabelField,
  kSrcPort,
  kDstPort,
  kNatSrcPort,
  kNatDstPort,
  kVlanIn,
  kVlanOut,
  kIcmpTypeCode,
  kEventField,
  kProtocolField,
  kTcpFlagsField,
  kTosField,
  kTtlField,
  kSrcMask,
  kDstMask,
  kDirectionField,
  kFragmentField,
  kSrcMac,
  kDstMac,
  kStart,
  kEnd,
  kFlowCount,
  kCount,
};

struct InfoElement {
  uint16_t id;
  Target target;
  Convert convert;
  uint8_t rank;    // 0 first; a higher rank is used where the lower ones are zero or absent
  uint32_t known;  // Known bits that it gives
};

// All rows with pen 0, sorted by id. An id may have two rows (an observation time is start and end).
std::span<const InfoElement> elements();
// The rows of one id.
std::span<const InfoElement> elements_of(uint16_t id);

struct TargetField {
  size_t offset;  // in Flow
  uint8_t size;
};
TargetField target_field(Target target);
// IANA "NAT Event Type": what the elements 466 and 467 (RFC 8158) mean where a record has no natEvent.
inline constexpr uint16_t kNatQuotaExceeded = 13;
inline constexpr uint16_t kNatThresholdReached = 18;

// Whether `length` octets can be converted.
bool fits(Convert convert, uint16_t length);

// IANA's name of an element, or "" when it is not in our list. For people.
std::string_view element_name(uint32_t pen, uint16_t id);

}  // namespace netflowgen::flow
