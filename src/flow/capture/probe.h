// Whether a capture holds flow export, told from its first packets: if not, its flows are metered. One thread.
#pragma once

#include <cstdint>

#include "flow/capture/capture_files.h"
#include "flow/datagram.h"

namespace netflowgen::flow {

struct Probe {
  uint64_t packets = 0;     // looked at
  uint64_t ip_packets = 0;  // of them
  bool exports =
      false;  // one of them is a message of NetFlow, IPFIX or sFlow, or all go to collectors' ports
};

// Looks at kProbePackets packets, or kProbeBytes, or all there are.
inline constexpr uint64_t kProbePackets = 20'000;
inline constexpr size_t kProbeBytes = size_t{16} << 20;
Probe probe_for_export(CaptureFiles& files);

// Whether a UDP payload is a message of flow export. Two octets of version alone also begin one DNS query in 16,000:
// its length has to be the one that its header and sets add up to, or its export time has to be near that of its
// receipt, or it goes to a usual port of collectors.
bool is_export(const Datagram& datagram);

}  // namespace netflowgen::flow
