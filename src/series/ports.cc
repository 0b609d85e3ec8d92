#include "series/ports.h"

#include "base/random.h"

namespace netflowgen::series {
namespace {

// UDP services that answer with more than they are asked: CISA alert TA14-017A (last revised 2019) and what
// has been reported since.
constexpr uint16_t kReflectors[] = {
    17,     // QOTD
    19,     // chargen
    53,     // DNS
    69,     // TFTP
    111,    // portmap / RPC
    123,    // NTP
    137,    // NetBIOS name service
    161,    // SNMP
    389,    // CLDAP
    427,    // SLP
    520,    // RIPv1
    623,    // IPMI
    1194,   // OpenVPN
    1434,   // Microsoft SQL resolution
    1900,   // SSDP
    3283,   // Apple remote management
    3389,   // RDP over UDP
    3478,   // STUN
    3702,   // WS-Discovery
    5093,   // Sentinel licence manager
    5353,   // mDNS
    5683,   // CoAP
    6881,   // BitTorrent DHT
    10001,  // Ubiquiti discovery
    11211,  // memcached
    27015,  // Steam
    27960,  // Quake 3
    30718,  // Lantronix
    32414,  // Plex
    37810,  // Dahua DVR
};

// Services above 1023 that are taken for the service side of a flow.
constexpr uint16_t kKnownAbove1023[] = {
    1080, 1194, 1433, 1434,  1521,  1701,  1723,  1812,  1813,  1883,  1900,  2049,  2181,
    2375, 3128, 3268, 3283,  3306,  3389,  3478,  3702,  4500,  4739,  5060,  5061,  5093,
    5222, 5269, 5353, 5432,  5601,  5671,  5672,  5683,  5900,  5985,  6379,  6443,  6667,
    6881, 8000, 8080, 8081,  8086,  8443,  8883,  8888,  9000,  9042,  9090,  9092,  9100,
    9200, 9300, 9418, 10001, 11211, 25565, 27015, 27017, 27960, 30718, 32414, 37810, 51820,
};

constexpr uint16_t kOwn[kOwnBins] = {0,    20,   21,   22,   23,   25,   53,   67,   80,   110,  111,
                                     123,  137,  143,  161,  389,  443,  445,  500,  587,  853,  993,
                                     1433, 1900, 3306, 3389, 3478, 4500, 5060, 5353, 8080, 11211};

std::array<PortInfo, 65536> make_ports() {
  std::array<PortInfo, 65536> table{};
  for (unsigned p = 0; p < table.size(); ++p) {
    const unsigned hashed = kOwnBins + static_cast<unsigned>(base::mix64(p) % (kServiceBins - kOwnBins));
    table[p].bits = static_cast<uint8_t>(hashed | (p > 0 && p < 1024 ? 0x80u : 0u));
  }
  for (const uint16_t p : kKnownAbove1023) table[p].bits |= 0x80;
  for (const uint16_t p : kReflectors) table[p].bits |= 0x40;
  for (unsigned bin = 0; bin < kOwnBins; ++bin) {
    table[kOwn[bin]].bits = static_cast<uint8_t>((table[kOwn[bin]].bits & 0xc0u) | bin);
  }
  return table;
}

}  // namespace

const std::array<PortInfo, 65536> kPorts = make_ports();

std::span<const uint16_t> reflector_ports() { return kReflectors; }
std::span<const uint16_t> own_bin_ports() { return kOwn; }

}  // namespace netflowgen::series
