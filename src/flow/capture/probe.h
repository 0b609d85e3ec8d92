// Whether a capture holds flow export, told from its first packets: if not, its flows are metered. One thread.
#pragma once

#include <cstdint>

#include "flow/capture/capture_files.h"

namespace netflowgen::flow {

struct Probe {
  uint64_t packets = 0;     // looked at
  uint64_t ip_packets = 0;  // of them
  bool exports = false;     // one of them is a message of NetFlow, IPFIX or sFlow
};

// Looks at kProbePackets packets, or kProbeBytes, or all there are.
inline constexpr uint64_t kProbePackets = 20'000;
inline constexpr size_t kProbeBytes = size_t{16} << 20;
Probe probe_for_export(CaptureFiles& files);

// Whether a UDP payload is a message of flow export. Its length has to be the one that its header and sets add up to:
// two octets of version alone also begin one DNS query in 16,000. At a usual port of collectors the version is enough,
// as it is where the capture cut the payload off.
bool is_export(base::Bytes payload, uint16_t dst_port, bool cut);

}  // namespace netflowgen::flow
