// What a port number means: whether a service is known behind it, whether that service amplifies, and where
// it is counted. One table of 64 KiB, of which traffic touches a few lines.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace netflowgen::series {

inline constexpr unsigned kServiceBins =
    64;  // the first kOwnBins belong to one port each, the rest are hashed
inline constexpr unsigned kOwnBins = 32;

struct PortInfo {
  uint8_t bits;
  bool known() const { return (bits & 0x80) != 0; }      // a well-known service
  bool reflector() const { return (bits & 0x40) != 0; }  // an amplification service, over UDP
  unsigned bin() const { return bits & 0x3f; }           // of the service histogram
};

extern const std::array<PortInfo, 65536> kPorts;

// The amplification services, and the ports with a bin of their own; for docs/features.md.
std::span<const uint16_t> reflector_ports();
std::span<const uint16_t> own_bin_ports();  // [kOwnBins], own_bin_ports()[b] is counted in bin b

// Of a flow's two ports the one that names the service: the known one, else the lower.
inline uint16_t service_port(uint16_t a, uint16_t b) {
  if (kPorts[a].known() != kPorts[b].known()) return kPorts[a].known() ? a : b;
  return a < b ? a : b;
}

// A total order in which known services come first; ties and names of shared bins are decided by it.
inline bool port_before(uint16_t a, uint16_t b) {
  if (kPorts[a].known() != kPorts[b].known()) return kPorts[a].known();
  return a < b;
}

}  // namespace netflowgen::series
