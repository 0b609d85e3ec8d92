// nfdump's archive files, layouts 1 (nfdump 1.6) and 2 (nfdump 1.7): the numbers that the reader and the
// tests' writer share. docs/formats.md, "nfcapd archives", is the grammar. All integers are in the byte
// order of the machine that wrote the file; the magic tells which.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netflowgen::flow::nfcapd {

inline constexpr uint16_t kMagic = 0xa50c;

// Layout 1: magic u16, layout u16, flags u32, blocks u32, ident[128], then a statistics record.
inline constexpr size_t kHeader1 = 140;
inline constexpr size_t kStat1 = 136;
enum Flags1 : uint32_t { kLzo1 = 0x1, kAnonymized1 = 0x2, kBz2_1 = 0x8, kLz4_1 = 0x10 };

// Layout 2: magic u16, layout u16, nfdump version u32, created u64, compression u8, encryption u8, appendix
// blocks u16, creator u32, appendix offset u64, block size u32, blocks u32.
inline constexpr size_t kHeader2 = 40;
enum class Compression : uint8_t { kNone = 0, kLzo = 1, kBz2 = 2, kLz4 = 3, kZstd = 4, kCount };

// Block: records u32, bytes after this header u32, type u16, flags u16.
inline constexpr size_t kBlockHeader = 12;
inline constexpr uint16_t kBlockUncompressed = 1;  // flag: this block is stored as it is
enum BlockType : uint16_t {
  kBlockFlows1 = 2,  // layout 1
  kBlockLarge1 = 3,  // layout 1: histograms
  kBlockFlows2 = 3,  // layout 2
  kBlockArray2 = 4,  // layout 2: arrays of other data
};

// Record: type u16, size u16 (both included).
enum RecordType : uint16_t {
  kCommonV0 = 1,  // layout 1, 8-bit exporter number
  kExtensionMap = 2,
  kPortHistogram = 3,
  kBppHistogram = 4,
  kLegacyExporter = 5,
  kLegacySampler = 6,
  kExporterInfo = 7,
  kExporterStat = 8,
  kSamplerInfo = 9,
  kCommon = 10,  // layout 1, 16-bit exporter number
  kV3 = 11,      // layout 2
  kNbar = 12,
  kIfName = 13,
  kVrfName = 14,
  kSampler = 15,
  kIdent = 0x8001,
  kStat = 0x8002,
};

// Layout 1: flags of a common record.
enum CommonFlag : uint16_t {
  kIpv6 = 1,
  kPackets64 = 2,
  kBytes64 = 4,
  kIpv6NextHop = 8,
  kIpv6BgpNextHop = 16,
  kIpv6Exporter = 32,
  kEvent1 = 64,
  kSampled1 = 128,
};

// Layout 1: extensions, as an extension map lists them. 1 to 3 (addresses, packets, bytes) are always there
// and never listed.
enum Extension1 : uint16_t {
  kX1InOut16 = 4,
  kX1InOut32 = 5,
  kX1As16 = 6,
  kX1As32 = 7,
  kX1Multiple = 8,
  kX1NextHop4 = 9,
  kX1NextHop6 = 10,
  kX1BgpNextHop4 = 11,
  kX1BgpNextHop6 = 12,
  kX1Vlan = 13,
  kX1OutPackets32 = 14,
  kX1OutPackets64 = 15,
  kX1OutBytes32 = 16,
  kX1OutBytes64 = 17,
  kX1Flows32 = 18,
  kX1Flows64 = 19,
  kX1Mac1 = 20,
  kX1Mac2 = 21,
  kX1Mpls = 22,
  kX1Router4 = 23,
  kX1Router6 = 24,
  kX1RouterId = 25,
  kX1BgpAdjacent = 26,
  kX1Received = 27,
  kX1NselCommon = 37,
  kX1NselPorts = 38,
  kX1NselXlate4 = 39,
  kX1NselXlate6 = 40,
  kX1NselAcl = 41,
  kX1NselUser = 42,
  kX1NselUserMax = 43,
  kX1Latency = 45,
  kX1NelCommon = 46,
  kX1NelGlobal4 = 47,
  kX1PortBlock = 48,
  kX1Count,
};

// Layout 2: flags of a V3 record.
enum V3Flag : uint8_t { kEvent3 = 1, kSampled3 = 2, kAnonymized3 = 4 };
inline constexpr size_t kV3Header = 12;  // type, size, elements u16, engine type u8, engine u8, exporter u16,
                                         // flags u8, version u8

// Layout 2: elements of a V3 record, each with a header of type u16 and length u16 (header included).
enum Element : uint16_t {
  kGeneric = 1,
  kIpv4Flow = 2,
  kIpv6Flow = 3,
  kFlowMisc = 4,
  kCounters = 5,
  kVlan = 6,
  kAs = 7,
  kBgpNextHop4 = 8,
  kBgpNextHop6 = 9,
  kNextHop4 = 10,
  kNextHop6 = 11,
  kReceived4 = 12,
  kReceived6 = 13,
  kMpls = 14,
  kMac = 15,
  kAsAdjacent = 16,
  kLatency = 17,
  kSamplerRef = 18,
  kNselCommon = 19,
  kXlate4 = 20,
  kXlate6 = 21,
  kXlatePorts = 22,
  kNselAcl = 23,
  kNselUser = 24,
  kNatCommon = 25,
  kObservation = 33,
  kVrf = 36,
  kLayer2 = 38,
  kIpInfo = 42,
};

inline constexpr uint32_t kSflowVersion = 9999;  // of an exporter record

}  // namespace netflowgen::flow::nfcapd
