// One UDP payload as it was received.
#pragma once

#include <cstdint>

#include "base/cursor.h"
#include "flow/record.h"

namespace netflowgen::flow {

// One UDP payload. `payload` is only read during decode().
struct Datagram {
  TimeMs received_ms = 0;  // 0: not known (a bare payload file); then the exporter's own clock is used
  IpAddr source;
  uint16_t source_port = 0;
  uint16_t dst_port = 0;  // for people only: the protocol is told by content
  base::Bytes payload;
};

}  // namespace netflowgen::flow
